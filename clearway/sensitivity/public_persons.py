"""Names that everybody knows: public figures and persons of fiction, written from general knowledge.

A full name counts, and so does a name that hardly anybody else bears. A list tells the best known only; the
words around a name tell the others.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_FULL: Final = """
Abraham Lincoln;Adam Smith;Ada Lovelace;Agatha Christie;Alan Turing;Albert Camus;Albert Einstein
Albert Schweitzer;Alexander Fleming;Alexander Graham Bell;Alexander Hamilton;Alexander Pushkin
Alfred Hitchcock;Alfred Nobel;Alice Munro;Amelia Earhart;Amy Winehouse;Andrew Carnegie;Andrew Jackson
Andy Warhol;Angela Merkel;Angelina Jolie;Anne Frank;Annie Ernaux;Ansel Adams;Anton Chekhov;Antonio Vivaldi
Aretha Franklin;Arthur Conan Doyle;Arthur Miller;Arthur Schopenhauer;Astrid Lindgren;Audrey Hepburn
Auguste Rodin;Ayn Rand;Babe Ruth;Barack Obama;Benito Mussolini;Benjamin Franklin;Bernie Sanders
Bertolt Brecht;Bertrand Russell;Bill Clinton;Bill Gates;Billie Eilish;Billie Holiday;Billie Jean King
Blaise Pascal;Bob Dylan;Bob Marley;Bobby Fischer;Boris Johnson;Boris Yeltsin;Brad Pitt;Bram Stoker
Britney Spears;Bruce Lee;Bruce Springsteen;Carl Friedrich Gauss;Carl Jung;Carl Linnaeus;Carl Sagan
Cary Grant;Charles Babbage;Charles Darwin;Charles de Gaulle;Charles Dickens;Charles Lindbergh
Charlie Chaplin;Charlotte Bronte;Che Guevara;Chinua Achebe;Christopher Columbus;Christopher Nolan
Clara Schumann;Clara Barton;Claude Monet;Claude Debussy;Claude Shannon;Clint Eastwood;Coco Chanel
Colin Powell;Cristiano Ronaldo;Daniel Defoe;Dante Alighieri;David Attenborough;David Beckham;David Bowie
David Hume;David Hilbert;Desmond Tutu;Diego Maradona;Diego Rivera;Dmitri Mendeleev;Dolly Parton;Donald Trump
Donald Knuth;Doris Lessing;Dorothy Hodgkin;Dwight Eisenhower;Ed Sheeran;Edgar Allan Poe;Edgar Degas
Edith Piaf;Edith Wharton;Edmund Hillary;Edvard Grieg;Edvard Munch;Edward Snowden;Eleanor Roosevelt
Elizabeth Taylor;Ella Fitzgerald;Elon Musk;Elton John;Elvis Presley;Emily Bronte;Emily Dickinson;Emma Watson
Emmanuel Macron;Emmeline Pankhurst;Enrico Fermi;Ernest Hemingway;Ernest Rutherford;Ernest Shackleton
Erwin Schrodinger;Eva Peron;Evelyn Waugh;F. Scott Fitzgerald;Fidel Castro;Florence Nightingale;Francis Bacon
Francis Crick;Francis Ford Coppola;Francisco Goya;Frank Lloyd Wright;Frank Sinatra;Frank Zappa
Franklin Roosevelt;Franklin D. Roosevelt;Franz Kafka;Franz Liszt;Franz Schubert;Freddie Mercury
Frederick Douglass;Frederic Chopin;Frida Kahlo;Friedrich Engels;Friedrich Nietzsche;Friedrich Schiller
Fyodor Dostoevsky;Gabriel Garcia Marquez;Galileo Galilei;Gabriela Mistral;Gary Kasparov;Garry Kasparov
Genghis Khan;Geoffrey Chaucer;George Bush;George W. Bush;George Bernard Shaw;George Clooney;George Eliot
George Gershwin;George Harrison;George Lucas;George Orwell;George Washington;Georgia O'Keeffe;Gertrude Stein
Gottfried Leibniz;Grace Hopper;Grace Kelly;Graham Greene;Greta Garbo;Greta Thunberg;Gregor Mendel
Gustav Klimt;Gustav Mahler;Gustave Eiffel;Gustave Flaubert;H. G. Wells;Hannah Arendt;Hans Christian Andersen
Harper Lee;Harriet Tubman;Harriet Beecher Stowe;Harry Houdini;Harry Truman;Haruki Murakami;Harrison Ford
Hedy Lamarr;Helen Keller;Henri Matisse;Henri Poincare;Henry Ford;Henry James;Henry Kissinger;Henrik Ibsen
Herbert Hoover;Herman Melville;Hermann Hesse;Hillary Clinton;Honore de Balzac;Howard Hughes;Hugo Chavez
Humphrey Bogart;Ian Fleming;Igor Stravinsky;Immanuel Kant;Indira Gandhi;Ingmar Bergman;Ingrid Bergman
Isaac Asimov;Isaac Newton;Isabel Allende;Ivan Pavlov;J. K. Rowling;J. R. R. Tolkien;J. S. Bach;Jack London
Jackie Robinson;Jackson Pollock;James Baldwin;James Cameron;James Clerk Maxwell;James Cook;James Dean
James Joyce;James Madison;James Monroe;James Watson;James Watt;Jane Austen;Jane Goodall;Jawaharlal Nehru
Jean-Paul Sartre;Jeff Bezos;Jennifer Lawrence;Jennifer Lopez;Jesse Owens;Jimi Hendrix;Jimmy Carter
Joan of Arc;Joe Biden;Johann Sebastian Bach;Johann Wolfgang von Goethe;Johannes Brahms;Johannes Gutenberg
Johannes Kepler;Johannes Vermeer;John Adams;John Dewey;John F. Kennedy;John Kennedy;John Keats;John Lennon
John Locke;John Maynard Keynes;John Milton;John Muir;John Quincy Adams;John Rawls;John Steinbeck
John Stuart Mill;John Tyler;John von Neumann;John Wayne;Johnny Cash;Johnny Depp;Jonas Salk;Jonathan Swift
Jorge Luis Borges;Joseph Conrad;Joseph Haydn;Joseph Stalin;Josephine Baker;Jules Verne;Julia Child
Julia Roberts;Julius Caesar;Justin Bieber;Justin Trudeau;Karl Marx;Karl Popper;Katharine Hepburn
Katherine Johnson;Kamala Harris;Kanye West;Kate Winslet;Katy Perry;Keanu Reeves;Kim Kardashian;Kim Jong-un
Kobe Bryant;Kofi Annan;Kurt Cobain;Kurt Godel;Kurt Vonnegut;Kylian Mbappe;Lady Gaga;Langston Hughes
Le Corbusier;LeBron James;Leo Tolstoy;Leon Trotsky;Leonard Bernstein;Leonard Cohen;Leonardo da Vinci
Leonardo DiCaprio;Leonhard Euler;Lewis Carroll;Lewis Hamilton;Linus Pauling;Linus Torvalds;Lionel Messi
Lise Meitner;Lord Byron;Louis Armstrong;Louis Braille;Louis Pasteur;Louis XIV;Louisa May Alcott
Ludwig van Beethoven;Ludwig Wittgenstein;Lyndon Johnson;Mae Jemison;Mahatma Gandhi;Malala Yousafzai
Malcolm X;Mao Zedong;Marc Chagall;Marcel Duchamp;Marcel Proust;Marco Polo;Marcus Aurelius;Margaret Atwood
Margaret Mead;Margaret Thatcher;Maria Callas;Maria Montessori;Maria Theresa;Marie Antoinette;Marie Curie
Marilyn Monroe;Mark Twain;Mark Zuckerberg;Marlon Brando;Martin Luther;Martin Luther King
Martin Luther King Jr;Martin Heidegger;Martin Scorsese;Mary Shelley;Mary Wollstonecraft;Maurice Ravel
Max Planck;Max Weber;Maya Angelou;Meryl Streep;Michael Faraday;Michael Jackson;Michael Jordan;Michael Phelps
Michelle Obama;Miguel de Cervantes;Mikhail Gorbachev;Miles Davis;Milton Friedman;Morgan Freeman
Mother Teresa;Muhammad Ali;Napoleon Bonaparte;Natalie Portman;Neil Armstrong;Neil deGrasse Tyson
Nelson Mandela;Nicolaus Copernicus;Niccolo Machiavelli;Niels Bohr;Nikita Khrushchev;Nikola Tesla
Nikolai Gogol;Nina Simone;Noam Chomsky;Novak Djokovic;Octavia Butler;Oliver Cromwell;Oprah Winfrey
Orson Welles;Oscar Wilde;Otto von Bismarck;Pablo Neruda;Pablo Picasso;Paul Cezanne;Paul Gauguin
Paul McCartney;Paul Klee;Paul Erdos;Percy Shelley;Percy Bysshe Shelley;Peter Paul Rubens;Peter the Great
Pierre Curie;Pierre de Fermat;Prince Charles;Princess Diana;Pyotr Tchaikovsky;Quentin Tarantino
Queen Elizabeth;Queen Victoria;Rabindranath Tagore;Rachel Carson;Rafael Nadal;Ralph Waldo Emerson
Ray Bradbury;Ray Charles;Rene Descartes;Rene Magritte;Richard Dawkins;Richard Feynman;Richard Nixon
Richard Wagner;Richard Branson;Ringo Starr;Roald Amundsen;Roald Dahl;Robert Boyle;Robert Burns
Robert De Niro;Robert Frost;Robert Hooke;Robert Koch;Robert Oppenheimer;Robert Schumann
Robert Louis Stevenson;Robin Williams;Roger Federer;Ronald Reagan;Rosa Luxemburg;Rosa Parks
Rosalind Franklin;Rudyard Kipling;Ruth Bader Ginsburg;Sally Ride;Salman Rushdie;Salvador Dali;Samuel Beckett
Samuel Johnson;Sandro Botticelli;Sarah Bernhardt;Satya Nadella;Scarlett Johansson;Sean Connery
Selma Lagerlof;Serena Williams;Sergei Rachmaninoff;Shirley Temple;Sigmund Freud;Simon Bolivar;Simone Biles
Simone de Beauvoir;Sofia Kovalevskaya;Sophie Germain;Stanley Kubrick;Stephen Hawking;Stephen King;Steve Jobs
Steve Wozniak;Steven Spielberg;Steven Pinker;Stevie Wonder;Susan B. Anthony;Sylvia Plath;T. S. Eliot
Taylor Swift;Tennessee Williams;Theodore Roosevelt;Thomas Aquinas;Thomas Edison;Thomas Hardy;Thomas Hobbes
Thomas Jefferson;Thomas Mann;Thomas More;Tiger Woods;Tim Berners-Lee;Tim Burton;Tim Cook;Tina Turner
Tom Cruise;Tom Hanks;Toni Morrison;Tony Blair;Tupac Shakur;Tycho Brahe;Ursula K. Le Guin
Ursula von der Leyen;Usain Bolt;Valentina Tereshkova;Venus Williams;Vera Rubin;Victor Hugo;Vincent van Gogh
Virginia Woolf;Vivien Leigh;Vladimir Lenin;Vladimir Nabokov;Vladimir Putin;Volodymyr Zelensky;Walt Disney
Walt Whitman;Warren Buffett;Werner Heisenberg;Wilhelm Rontgen;Will Smith;William Blake;William Butler Yeats
William Faulkner;William Gladstone;William James;William Shakespeare;William Wordsworth;Willy Brandt
Winston Churchill;Wolfgang Amadeus Mozart;Woodrow Wilson;Woody Allen;Xi Jinping;Yo-Yo Ma;Yoko Ono
Yuri Gagarin;Zaha Hadid;Zora Neale Hurston;Zinedine Zidane;Captain Ahab;Albus Dumbledore;Anna Karenina
Arya Stark;Atticus Finch;Bilbo Baggins;Bruce Wayne;Bruce Banner;Bugs Bunny;Captain Nemo;Captain Kirk
Captain Hook;Clark Kent;Count Dracula;Daenerys Targaryen;Darth Vader;David Copperfield;Donald Duck
Dorian Gray;Dr Watson;Doctor Watson;Don Quixote;Don Corleone;Ebenezer Scrooge;Elizabeth Bennet;Emma Bovary
Emma Woodhouse;Fitzwilliam Darcy;Mr Darcy;Forrest Gump;Frodo Baggins;Gandalf the Grey;Han Solo
Hannibal Lecter;Harry Potter;Hercule Poirot;Hermione Granger;Holden Caulfield;Homer Simpson;Bart Simpson
Huckleberry Finn;Huck Finn;Indiana Jones;Inspector Maigret;Jack Sparrow;James Bond;Jane Eyre;Jane Marple
Miss Marple;Jay Gatsby;Jean Valjean;John Watson;Jon Snow;Katniss Everdeen;King Arthur;King Lear;Lady Macbeth
Lara Croft;Leopold Bloom;Lisa Simpson;Long John Silver;Lois Lane;Luke Skywalker;Mary Poppins;Mickey Mouse
Minnie Mouse;Nancy Drew;Natasha Rostova;Oliver Twist;Peter Pan;Peter Parker;Philip Marlowe
Pippi Longstocking;Princess Leia;Phileas Fogg;Rodion Raskolnikov;Robin Hood;Robinson Crusoe;Ron Weasley
Sam Spade;Samwise Gamgee;Scarlett O'Hara;Scout Finch;Severus Snape;Sherlock Holmes;Snow White;Tom Sawyer
Tony Stark;Tony Soprano;Tyrion Lannister;Uncle Sam;Victor Frankenstein;Walter White;Willy Wonka
Winnie the Pooh;Winston Smith;Lord Voldemort;Ellen Ripley;Sarah Connor;John Doe;Jane Doe;John Q. Public
Joe Bloggs;Max Mustermann;Erika Mustermann
"""
_ALONE: Final = """
achilles aladdin archimedes aristophanes aristotle augustus bach batman beethoven beyonce bismarck boccaccio
bolivar bonaparte botticelli brahms caesar caligula caravaggio catullus cervantes cezanne charlemagne chopin
churchill cicero cinderella cleopatra columbus confucius copernicus dante darwin debussy democritus
descartes diogenes dostoevsky dostoyevsky dracula dumbledore dvorak edison einstein epictetus epicurus
euclid euler euripides faraday faust fermat fibonacci flaubert freud frodo galen galileo gandalf gandhi
gauss goethe gollum gorbachev goya hamlet handel haydn hegel heisenberg hemingway heracles heraclitus
hercules herodotus hippocrates hitler homer horace ibsen jesus kafka kahlo kandinsky kant kepler khrushchev
kierkegaard laplace lavoisier leibniz lenin leonardo linnaeus machiavelli macbeth madonna magellan mahler
mandela matisse mendel mendeleev michelangelo moliere monet montaigne montesquieu mozart mussolini nabokov
napoleon nero newton nietzsche nostradamus odysseus oedipus ophelia orwell othello ovid pascal pasteur
pericles petrarch picasso plato plutarch poirot prometheus proust ptolemy puccini pushkin putin pythagoras
raskolnikov rembrandt renoir rihanna robespierre rossini rousseau rubens saladin sappho sartre schiller
schopenhauer schrodinger schubert seneca shakespeare sherlock socrates sophocles spinoza stalin stravinsky
superman tacitus tchaikovsky tesla thales thucydides titian tolkien tolstoy trotsky tutankhamun ulysses
verdi vermeer virgil vivaldi voldemort voltaire wagner wittgenstein xenophon zeus zoroaster zarathustra
"""


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("\u2019", "'"))
    letters = "".join(c for c in plain.lower() if not unicodedata.combining(c))
    return " ".join(_WORD.findall(letters))


_WORD: Final = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
FULL: Final = frozenset(filter(None, map(_folded, re.split(r"[;\n]", _FULL))))
ALONE: Final = frozenset(_ALONE.split())
_LASTS: Final = frozenset(name.rsplit(" ", 1)[-1] for name in FULL)


def is_public(name: str) -> bool:
    """Whether a name is one that everybody knows, written in full or alone where that is enough.

    Args:
        name: As it stands in a text; accents, case and a genitive do not matter.
    """
    words = _folded(name[:100]).removesuffix("'s").removesuffix("'").split()
    if not words:
        return False
    if len(words) == 1:
        return words[0] in ALONE
    return " ".join(words) in FULL or (words[-1] in _LASTS and " ".join((words[0], words[-1])) in FULL)
