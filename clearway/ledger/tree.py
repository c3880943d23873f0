"""The Merkle tree of RFC 9162, section 2.1: pure functions over hashes.

Provers read a tree through `Nodes`, which gives the hash of any *complete* subtree; a store keeps those,
so that a proof is O(log n) look-ups. Verifiers follow the RFC's own algorithms and share nothing with the
provers but the two hash functions.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from clearway.errors import NotFoundError

Nodes = Callable[[int, int], bytes]
"""(level, index) -> hash of the complete subtree over leaves [index * 2**level, (index + 1) * 2**level)."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of an entry (2.1.1); the 0x00 keeps a leaf from passing as a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def completed_nodes(index: int, leaf: bytes, nodes: Nodes) -> Iterator[tuple[int, int, bytes]]:
    """The complete subtrees that appending a leaf closes, as (level, index, hash), lowest first.

    Args:
        index: Index of the new leaf: the size of the tree before it.
        leaf: Its leaf hash.
        nodes: The tree before it.
    """
    level, digest = 0, leaf
    yield level, index, digest
    while index & 1:
        digest = node_hash(nodes(level, index - 1), digest)
        level, index = level + 1, index >> 1
        yield level, index, digest


def subtree_root(start: int, stop: int, nodes: Nodes) -> bytes:
    """MTH(D[start:stop]) (2.1.1), for a range that begins where a subtree of its size may begin."""
    if start == stop:
        return EMPTY_ROOT
    size = stop - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, start >> level)
    middle = start + _split(size)
    return node_hash(subtree_root(start, middle, nodes), subtree_root(middle, stop, nodes))


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes (2.1.1); `EMPTY_ROOT` for none."""
    return subtree_root(0, len(leaves), nodes_of(leaves))


def nodes_of(leaves: Sequence[bytes]) -> Nodes:
    """Complete subtrees over leaf hashes, held in memory."""
    held: dict[tuple[int, int], bytes] = {}
    for index, leaf in enumerate(leaves):
        for level, place, digest in completed_nodes(index, leaf, lambda level, place: held[level, place]):
            held[level, place] = digest
    return lambda level, place: held[level, place]


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """PATH(index, D[size]) (2.1.3.1).

    Raises:
        NotFoundError: The index is not below the size.
    """
    if not 0 <= index < size:
        raise NotFoundError(f"entry {index}: expected an index from 0 to below {size}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(subtree_root(middle, stop, nodes))
            stop = middle
        else:
            path.append(subtree_root(start, middle, nodes))
            start = middle
    return path[::-1]


def consistency_proof(first: int, second: int, nodes: Nodes) -> list[bytes]:
    """PROOF(first, D[second]) (2.1.4.1); empty for equal sizes and for an empty first tree.

    Raises:
        NotFoundError: The sizes are not in order.
    """
    if not 0 <= first <= second:
        raise NotFoundError(f"tree of size {first}: expected a size from 0 to {second}")
    if first in (0, second):
        return []
    path: list[bytes] = []
    start, stop = 0, second
    while first != stop:
        middle = start + _split(stop - start)
        if first <= middle:
            path.append(subtree_root(middle, stop, nodes))
            stop = middle
        else:
            path.append(subtree_root(start, middle, nodes))
            start = middle
    # SUBPROOF's flag b: the first tree's own root is left out where the verifier already has it.
    if start:
        path.append(subtree_root(start, stop, nodes))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether the leaf hash is entry `index` of the tree with this root (2.1.3.2).

    The size must come from the same signed checkpoint as the root: the algorithm alone does not bind it.
    """
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and hmac.compare_digest(r, expected)


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> bool:
    """Whether the tree of size `first` is a prefix of the tree of size `second` (2.1.4.2).

    The RFC leaves out equal sizes and an empty first tree: both need an empty proof and the right root.
    """
    if not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    return bool(proof) and _climb(first - 1, second - 1, path) == (first_root, second_root)


def _climb(fn: int, sn: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Steps 4 to 7 of 2.1.4.2: both roots, or None where the proof has the wrong length."""
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr) if sn == 0 else None


def _split(size: int) -> int:
    """Largest power of two below a size of at least two: k in 2.1.1."""
    return 1 << ((size - 1).bit_length() - 1)
