"""Einsum: the equations of real models and the elementary forms, both sides computed or one constant."""

from __future__ import annotations

from collections.abc import Iterator

from rkgraph.probe.case import Case, case, computed, positions, weight

__all__ = ["cases"]

SIZES = {
    "a": 3,
    "b": 1,
    "c": 6,
    "d": 8,
    "e": 10,
    "f": 4,
    "h": 4,
    "i": 12,
    "j": 7,
    "k": 9,
    "l": 11,
    "m": 5,
    "n": 2,
    "o": 14,
} | {
    "p": 3,
    "q": 12,
    "r": 5,
    "s": 13,
    "t": 10,
    "u": 2,
    "v": 15,
    "w": 16,
    "x": 6,
    "y": 9,
    "z": 2,
}
"""Length of the dimension that a letter stands for; "b" is a batch of one, "n" one of two."""

UNARY = (
    *(
        "ij->ji",
        "ij->i",
        "ij->j",
        "ij->",
        "ij->ij",
        "ij",
        "ji",
        "bij->bji",
        "bij->bi",
        "bij->bj",
        "bij->ij",
        "nij->ij",
        "nij->j",
        "nij->i",
        "bcij->cij",
        "ncij->ij",
        "nij->nji",
    ),
    *("ii->i", "ii->", "ii", "bii->bi", "bii->b", "nii->ni", "...ij->...ji", "...ii->...i", "bcij->bijc", "bijc->bcij"),
    *(
        "bcij->bjic",
        "ncij->nijc",
        "bcij->bc",
        "bcij->cbij",
        "abcij->acbij",
        "nhijc->nchij",
        "i->i",
        "i->",
    ),
)

BINARY = (
    *(
        "ij,jk->ik",
        "ij,kj->ik",
        "ij,j->i",
        "i,ij->j",
        "i,j->ij",
        "i,i->",
        "i,i",
        "i,i->i",
        "ij,ij->ij",
        "ij,ij->i",
        "ij,ij->",
    ),
    *(
        "ij,jk",
        "bij,bjk->bik",
        "nij,njk->nik",
        "bij,bkj->bik",
        "nij,nkj->nik",
        "bij,jk->bik",
        "nij,jk->nik",
        "bij,bjk",
        "bij,kj->bik",
    ),
    *(
        "bid,bjd->bij",
        "bij,bjd->bid",
        "bij,bi->bj",
        "bij,bj->bi",
        "bij,j->bi",
        "nd,nd->n",
        "bij,bij->bij",
        "bij,bij->b",
    ),
    *("bhid,bhjd->bhij", "bhij,bhjd->bhid", "nhid,nhjd->nhij", "nhij,nhjd->nhid", "bihd,bjhd->bhij", "bhij,bjhd->bihd"),
    *("bhij,bhdj->bhid", "bhdi,bhdj->bhij", "bhij,bhdj->bhdi", "bhid,jd->bhij", "bihd,jhd->bhij", "bhid,hde->bhie"),
    *(
        "bchw,bkc->bkhw",
        "bchw,kc->bkhw",
        "nchw,nkc->nkhw",
        "bhwc,hkc->bhwk",
        "bhwc,wkc->bhwk",
        "nctv,vw->nctw",
        "bchw,c->bhw",
    ),
    *(
        "bqc,bchw->bqhw",
        "nqc,nchw->nqhw",
        "bchw,bchw->bhw",
        "bchw,bc->bchw",
        "bhw,c->bchw",
        "bnd,bd->bn",
        "bid,de->bie",
        "btd,btd->bt",
    ),
    *(
        "abc,cde->abde",
        "abhd,hde->abe",
        "abd,dhe->abhe",
        "bkcv,bcdv->bkdv",
        "bcij,bckl->bijkl",
        "...ij,...jk->...ik",
        "...id,de->...ie",
    ),
    *(
        "i...,i...->i...",
        "bhqk,bkhd->bqhd",
        "bqhd,bkhd->bhqk",
        "nqhd,nkhd->nhqk",
        "nhqk,nkhd->nqhd",
        "blh,bhdl->bld",
        "bld,hd->blh",
        "i,d->id",
    ),
    *(
        " bij , bjk -> bik ",
        "bji,bjk->bik",
        "bij,bkl->bijkl",
        "ij,ik->jk",
        "bi,bo->bio",
        "ibh,hnd->ibnd",
        "ibnd,jbnd->bnij",
        "bnij,jbnd->ibnd",
    ),
)

TERNARY = ("bxi,oij,byj->boxy", "ij,jk,kl->il", "bid,bd,ed->bie", "i,i,i->i", "bij,bjk,bkl->bil")

WIDE = (
    "abcij,abcjk->abcik",
    "bij,abcjk->abcik",
    "...ij,...jk",
    "bcd,be,cf->def",
    "mf,bft->bmt",
    "bs,bsd->bd",
    "mf,nft->nmt",
)

ONE_CONSTANT = (
    *("ij,jk->ik", "i,ij->j", "bij,bjk->bik", "nij,njk->nik", "bij,jk->bik", "bhid,bhjd->bhij", "ij,ij->ij", "i,j->ij"),
    *(
        "bhwc,hkc->bhwk",
        "bqc,bchw->bqhw",
        "nctv,vw->nctw",
        "bchw,kc->bkhw",
        "bchw,bc->bchw",
        "i,i->",
        "ij,jk",
        "bnd,bd->bn",
    ),
)
"""Equations that are also asked with a constant on either side."""


def cases() -> Iterator[Case]:
    """All cases of this file."""
    for slug, equation, shapes in (
        ("heads", "bhid,bhjd->bhij", ((1, 4, 12, 8), (1, 4, 6, 8))),
        ("bmm", "bij,bjk->bik", ((2, 12, 24), (2, 24, 16))),
        ("outer", "i,j->ij", ((24,), (12,))),
        ("chw", "bchw,bkc->bkhw", ((1, 8, 6, 10), (1, 4, 8))),
        ("transpose", "bij->bji", ((1, 12, 24),)),
    ):
        yield from positions("Einsum", slug, [computed(*s) for s in shapes], f'equation = "{equation}"')
    for equation in (*UNARY, *BINARY, *TERNARY, *WIDE):
        operands = _shapes(equation)
        attributes = f'equation = "{equation}"'
        slug = equation.replace(",", "_").replace(" ", "~") or "none"
        yield case("Einsum", f"computed,{slug}", [computed(*s) for s in operands], attributes)
        if equation in ONE_CONSTANT:
            yield case("Einsum", f"const-right,{slug}", [computed(*operands[0]), weight(*operands[1])], attributes)
            yield case("Einsum", f"const-left,{slug}", [weight(*operands[0]), computed(*operands[1])], attributes)
    for dtype in ("float16", "double", "int32", "int64"):
        for equation in ("bij->bji", "bij,bjk->bik", "bhid,bhjd->bhij"):
            args = [computed(*s, dtype=dtype) for s in _shapes(equation)]
            yield case("Einsum", f"{dtype},{equation.replace(',', '_')}", args, f'equation = "{equation}"')
    yield from _inside()


def _inside() -> Iterator[Case]:
    """Between neighbours of the NPU: those equations whose result has a type that is inferred."""
    for equation in (
        "bij,bjk->bik",
        "bhid,bhjd->bhij",
        "bhij,bhjd->bhid",
        "bihd,bjhd->bhij",
        "bhij,bjhd->bihd",
        "ij,jk->ik",
    ):
        args = [computed(*s) for s in _shapes(equation)]
        slug = f"between,{equation.replace(',', '_')}"
        yield from positions("Einsum", slug, args, f'equation = "{equation}"')


def _shapes(equation: str) -> list[tuple[int, ...]]:
    """Shapes of the operands of an equation; an ellipsis stands for a dimension of 3."""
    left = equation.replace(" ", "").split("->", maxsplit=1)[0].replace("...", "p")
    return [tuple(SIZES[letter] for letter in operand) for operand in left.split(",")]
