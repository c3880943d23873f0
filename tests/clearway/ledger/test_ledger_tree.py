"""Laws of the Merkle tree, against the recursive definitions of RFC 9162 written down once more."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.errors import NotFoundError
from clearway.ledger.tree import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    nodes_of,
    root,
    verify_consistency,
    verify_inclusion,
)
from clearway.ledger.verify import CompactRange

MAX = 130
DATA = [b"entry %d" % n for n in range(MAX + 1)]
LEAVES = [leaf_hash(data) for data in DATA]
NODES = nodes_of(LEAVES)


def mth(data: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, as it stands there."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = max(2**n for n in range(10) if 2**n < len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


ROOTS = [mth(DATA[:size]) for size in range(MAX + 2)]
SIZES = st.integers(1, MAX)


def flipped(digest: bytes, bit: int) -> bytes:
    """The hash with one of its 256 bits changed."""
    return bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(digest))


@pytest.mark.parametrize("size", range(MAX + 1))
def test_root_is_that_of_the_rfc(size: int) -> None:
    """Stored subtrees and the streaming range both give the root of the definition."""
    tree = CompactRange()
    for leaf in LEAVES[:size]:
        tree.append(leaf)
    assert root(LEAVES[:size]) == tree.root() == ROOTS[size]
    assert tree.size == size


def test_known_roots() -> None:
    """The published test vectors of Certificate Transparency: 0, 1, 2, 3 and 8 entries."""
    entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", bytes(range(0x60, 0x70)).hex()]
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in entries]
    known = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    assert {size: root(leaves[:size]).hex() for size in known} == known


@pytest.mark.parametrize("size", range(1, MAX + 1))
def test_every_inclusion_proof_verifies(size: int) -> None:
    """Each entry of each tree is proven, in no more hashes than the tree is high."""
    for index in range(size):
        proof = inclusion_proof(index, size, NODES)
        assert verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
        assert len(proof) <= (size - 1).bit_length()


@pytest.mark.parametrize("second", range(MAX + 1))
def test_every_consistency_proof_verifies(second: int) -> None:
    """Each tree is proven to be a prefix of each later one."""
    for first in range(second + 1):
        proof = consistency_proof(first, second, NODES)
        assert verify_consistency(first, second, proof, ROOTS[first], ROOTS[second])


@settings(max_examples=300)
@given(SIZES, st.data())
def test_a_flipped_bit_breaks_inclusion(size: int, data: st.DataObject) -> None:
    """No single bit of leaf, proof or root can differ."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, NODES)
    parts = [LEAVES[index], *proof, ROOTS[size]]
    place = data.draw(st.integers(0, len(parts) - 1))
    parts[place] = flipped(parts[place], data.draw(st.integers(0, 255)))
    assert not verify_inclusion(parts[0], index, size, parts[1:-1], parts[-1])


@settings(max_examples=300)
@given(st.integers(2, MAX), st.data())
def test_a_flipped_bit_breaks_consistency(second: int, data: st.DataObject) -> None:
    """No single bit of the roots or the proof can differ."""
    first = data.draw(st.integers(1, second - 1))
    parts = [ROOTS[first], *consistency_proof(first, second, NODES), ROOTS[second]]
    place = data.draw(st.integers(0, len(parts) - 1))
    parts[place] = flipped(parts[place], data.draw(st.integers(0, 255)))
    assert not verify_consistency(first, second, parts[1:-1], parts[0], parts[-1])


@given(SIZES, st.data())
def test_wrong_index_is_refused(size: int, data: st.DataObject) -> None:
    """A proof holds for one place only, and never for one outside the tree."""
    index = data.draw(st.integers(0, size - 1))
    wrong = data.draw(st.integers(-2, MAX + 2).filter(lambda n: n != index))
    proof = inclusion_proof(index, size, NODES)
    assert not verify_inclusion(LEAVES[index], wrong, size, proof, ROOTS[size])


@given(SIZES, SIZES, st.data())
def test_wrong_size_is_refused(size: int, wrong: int, data: st.DataObject) -> None:
    """A proof for one size does not lead to the root of another."""
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, NODES)
    holds = verify_inclusion(LEAVES[index], index, wrong, proof, ROOTS[wrong])
    assert holds == (wrong == size)


@given(st.lists(st.integers(1, MAX), min_size=4, max_size=4))
def test_wrong_sizes_break_consistency(sizes: list[int]) -> None:
    """A proof between two sizes does not connect two others."""
    first, second = sorted(sizes[:2])
    other_first, other_second = sizes[2:]
    proof = consistency_proof(first, second, NODES)
    holds = verify_consistency(other_first, other_second, proof, ROOTS[other_first], ROOTS[other_second])
    same = (other_first, other_second) == (first, second)
    assert holds == (same or (not proof and other_first == other_second))


@given(SIZES, st.data())
def test_a_longer_or_shorter_proof_is_refused(size: int, data: st.DataObject) -> None:
    """Hashes left out or added break either proof."""
    index = data.draw(st.integers(0, size - 1))
    inclusion = inclusion_proof(index, size, NODES)
    consistency = consistency_proof(index, size, NODES)
    for proof in ([*inclusion, ROOTS[size]], inclusion[:-1]):
        assert proof == inclusion or not verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
    for proof in ([*consistency, ROOTS[size]], consistency[:-1]):
        assert proof == consistency or not verify_consistency(index, size, proof, ROOTS[index], ROOTS[size])


def test_a_proof_must_reach_the_top() -> None:
    """A proof that ends at a subtree's root is refused where the tree is said to be larger."""
    assert verify_inclusion(LEAVES[0], 0, 2, [LEAVES[1]], ROOTS[2])
    assert not verify_inclusion(LEAVES[0], 0, 4, [LEAVES[1]], ROOTS[2])
    proof = consistency_proof(2, 4, NODES)
    assert verify_consistency(2, 4, proof, ROOTS[2], ROOTS[4])
    assert not verify_consistency(2, 8, proof, ROOTS[2], ROOTS[4])


def test_no_entry_before_the_first() -> None:
    """A negative index is refused even where the arithmetic would let it pass."""
    assert not verify_inclusion(LEAVES[0], -1, 1, [], ROOTS[1])


def test_an_altered_history_is_not_consistent() -> None:
    """A tree with another entry has no proof from the first one's root: each is refused."""
    altered = [*LEAVES[:3], leaf_hash(b"other"), *LEAVES[4:20]]
    nodes = nodes_of(altered)
    for first, second in itertools.combinations(range(4, 21), 2):
        proof = consistency_proof(first, second, nodes)
        assert not verify_consistency(first, second, proof, ROOTS[first], root(altered[:second]))


def test_a_node_is_not_a_leaf() -> None:
    """An inner node's preimage, offered as an entry, does not have the node's hash."""
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != root(LEAVES[:2])


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (0, 0), (1, 1), (5, 3)])
def test_no_proof_outside_the_tree(index: int, size: int) -> None:
    """Asking for an entry that is not there names the range."""
    with pytest.raises(NotFoundError) as caught:
        inclusion_proof(index, size, NODES)
    assert str(caught.value) == f"entry {index}: expected an index from 0 to below {size}"


@pytest.mark.parametrize(("first", "second"), [(-1, 1), (2, 1)])
def test_no_proof_backwards(first: int, second: int) -> None:
    """A later tree is no prefix of an earlier one: there is no proof and none is believed."""
    with pytest.raises(NotFoundError) as caught:
        consistency_proof(first, second, NODES)
    assert str(caught.value) == f"tree of size {first}: expected a size from 0 to {second}"
    assert not verify_consistency(first, second, [], ROOTS[0], ROOTS[0])


def test_empty_tree_must_have_the_empty_root() -> None:
    """A first tree of size 0 with another root is refused."""
    assert not verify_consistency(0, 3, [], ROOTS[1], ROOTS[3])
