"""Words that fill templates: conditions, drugs, faiths, parties, towns, firms, public and invented persons."""

CONDITIONS = (
    "type 2 diabetes", "asthma", "breast cancer", "bipolar disorder", "Crohn's disease", "HIV", "epilepsy", "multiple sclerosis",
    "hepatitis C", "depression", "schizophrenia", "chronic kidney disease", "lupus", "endometriosis", "ADHD", "anorexia",
    "atrial fibrillation", "prostate cancer", "Parkinson's disease", "rheumatoid arthritis", "hypothyroidism", "PTSD", "psoriasis",
    "stage 3 melanoma", "heart failure", "COPD", "sickle cell disease", "postpartum depression", "celiac disease", "early-onset dementia",
    "a herniated disc", "generalized anxiety disorder", "gestational diabetes", "alcohol dependence", "a miscarriage", "high blood pressure",
)  # fmt: skip
TEST_CONDITIONS = (
    "ulcerative colitis", "type 1 diabetes", "ovarian cancer", "borderline personality disorder", "hepatitis B", "panic disorder",
    "multiple myeloma", "cystic fibrosis", "polycystic ovary syndrome", "glaucoma", "pulmonary embolism", "opioid use disorder",
    "Hashimoto's thyroiditis", "a stroke", "autism", "pancreatitis", "fibromyalgia", "lymphoma", "tuberculosis", "sleep apnea", "gout",
    "bulimia", "a torn ACL", "migraine with aura", "chlamydia", "angina", "OCD", "leukemia", "asthma", "depression",
)  # fmt: skip
DRUGS = (
    "metformin 500 mg", "sertraline 50 mg", "lisinopril", "methotrexate", "levothyroxine 75 mcg", "warfarin", "insulin glargine",
    "lithium carbonate", "atorvastatin 20 mg", "tamoxifen", "prednisone", "quetiapine", "adalimumab", "gabapentin", "amlodipine",
    "fluoxetine", "Truvada", "carbamazepine", "buprenorphine", "Ozempic",
)  # fmt: skip
FAITHS = ("Muslim", "Jewish", "Catholic", "Hindu", "Buddhist", "Sikh", "Baptist", "Jehovah's Witness", "Mormon", "atheist", "Orthodox Christian")  # fmt: skip
ORIENTATIONS = ("gay", "lesbian", "bisexual", "transgender", "queer", "asexual", "pansexual")
PARTIES = ("Labour Party", "Republican Party", "Democratic Party", "Green Party", "Conservative Party", "Social Democrats", "Liberal Party", "Socialist Party")  # fmt: skip
UNIONS = ("Unite", "the Teamsters", "the SEIU", "IG Metall", "ver.di", "UNISON", "the UAW", "the CGT", "the nurses' union", "the teachers' union")  # fmt: skip
ETHNICITIES = ("Roma", "Kurdish", "Black", "Hispanic", "Native American", "Han Chinese", "Ashkenazi Jewish", "Uyghur", "Pashtun", "Punjabi", "mixed-race", "Aboriginal")  # fmt: skip
CITIES = (
    "Leeds", "Austin", "Hamburg", "Lyon", "Toronto", "Osaka", "Seville", "Denver", "Glasgow", "Kraków", "Pune", "Lagos", "Melbourne",
    "Boston", "Utrecht", "Turin", "Lisbon", "Malmö", "Zurich", "Nairobi", "Phoenix", "Dublin", "Recife", "Busan",
)  # fmt: skip
COMPANIES = (
    "Northwind", "Halden Freight", "Brightline Energy", "Osprey Labs", "Meridian Dental", "Cobalt & Sons", "Tarrant Foods", "Lumen Optics",
    "Kestrel Insurance", "Verity Bank", "Pinecone Logistics", "Sable Robotics", "Ostrander GmbH", "Quillon Software", "Blue Fern Health",
)  # fmt: skip
PROJECTS = ("Falcon", "Borealis", "Redwood", "Nightjar", "Atlas-2", "Copperfield", "Marlin", "Juniper", "Sundial", "Vesper", "Obsidian", "Tamarind")  # fmt: skip
PUBLIC_PERSONS = (
    "Abraham Lincoln", "Marie Curie", "Nelson Mandela", "Albert Einstein", "Virginia Woolf", "Frida Kahlo", "Mahatma Gandhi", "Ada Lovelace",
    "Barack Obama", "Angela Merkel", "Freddie Mercury", "Beyoncé", "Stephen Hawking", "Oscar Wilde", "Martin Luther King", "Leonardo da Vinci",
    "Rosa Parks", "Vincent van Gogh", "Malala Yousafzai", "Winston Churchill", "Toni Morrison", "Gabriel García Márquez", "Alan Turing",
    "Margaret Thatcher", "Elton John", "Muhammad Ali", "Isaac Newton", "Napoleon Bonaparte", "Charles Darwin", "Florence Nightingale",
    "Franklin D. Roosevelt", "Haruki Murakami", "Simone de Beauvoir", "Jane Austen", "Steve Jobs", "Serena Williams", "Lionel Messi", "Tim Berners-Lee",
)  # fmt: skip
TEST_PUBLIC_PERSONS = (
    "George Washington", "Mary Shelley", "Desmond Tutu", "Niels Bohr", "Sylvia Plath", "Pablo Picasso", "Indira Gandhi", "Grace Hopper",
    "Michelle Obama", "Emmanuel Macron", "David Bowie", "Taylor Swift", "Galileo Galilei", "Walt Whitman", "Malcolm X", "Michelangelo",
    "Harriet Tubman", "Ludwig van Beethoven", "Greta Thunberg", "Theodore Roosevelt", "James Baldwin", "Isabel Allende", "Kurt Gödel",
    "John F. Kennedy", "Ernest Hemingway", "Agatha Christie", "Bill Gates", "Roger Federer", "Linus Torvalds", "Johann Sebastian Bach",
)  # fmt: skip
FICTIONAL = (
    "Sherlock Holmes", "Elizabeth Bennet", "Harry Potter", "Frodo Baggins", "Hermione Granger", "Don Quixote", "Jay Gatsby", "Anna Karenina",
    "Katniss Everdeen", "Atticus Finch", "Captain Ahab", "Jean Valjean", "Tony Stark", "Homer Simpson", "James Bond", "Scarlett O'Hara",
)  # fmt: skip
TEST_FICTIONAL = (
    "Jane Eyre", "Huckleberry Finn", "Luke Skywalker", "Dorian Gray", "Emma Bovary", "Hercule Poirot", "Bruce Wayne", "Raskolnikov",
    "Holden Caulfield", "Lisbeth Salander", "Walter White", "Indiana Jones", "Clark Kent", "Mary Poppins", "Philip Marlowe",
)  # fmt: skip
PRODUCTS = ("wireless headphones", "a standing desk", "running shoes", "an espresso machine", "a winter coat", "a tent", "a graphics card", "a stroller", "garden chairs", "an e-bike")  # fmt: skip
JOBS = ("nurse", "warehouse lead", "accountant", "data analyst", "teacher", "electrician", "account manager", "chef", "paralegal", "site engineer")  # fmt: skip
