"""RouteLLM's published results for GPT-4 (gpt-4-1106-preview) against Mixtral 8x7B, for the rows beside ours.

References:
    Ong et al. (2024), RouteLLM: Learning to Route LLMs with Preference Data, arXiv 2406.18665, tables 1 to 3:
    the routers whose training data were augmented: with golden labels for MMLU, a judge's for the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CITATION: Final = "Ong et al. (2024), arXiv 2406.18665, tables 1 to 3"


@dataclass(frozen=True)
class Published:
    """One row of the paper.

    Attributes:
        benchmark: `MMLU`, `GSM8K` or `MT-Bench`.
        router: As the paper names it.
        training: What it was trained on.
        cpt_50: Share of strong calls, in [0, 1].
        cpt_80: Likewise.
        apgr: In [0, 1]; 0.5 is random.
    """

    benchmark: str
    router: str
    training: str
    cpt_50: float
    cpt_80: float
    apgr: float


PUBLISHED: Final = (
    Published("MMLU", "SW ranking", "arena + gold", 0.3540, 0.7155, 0.603),
    Published("MMLU", "causal LLM", "arena + gold", 0.3549, 0.7031, 0.600),
    Published("MMLU", "matrix factorisation", "arena + gold", 0.3546, 0.7140, 0.597),
    Published("MMLU", "BERT", "arena + gold", 0.4130, 0.7220, 0.572),
    Published("GSM8K", "causal LLM", "arena + judge", 0.3364, 0.6326, 0.622),
    Published("GSM8K", "SW ranking", "arena + judge", 0.4121, 0.7220, 0.568),
    Published("GSM8K", "matrix factorisation", "arena + judge", 0.3882, 0.7262, 0.565),
    Published("GSM8K", "BERT", "arena + judge", 0.4476, 0.7909, 0.531),
    Published("MT-Bench", "matrix factorisation", "arena + judge", 0.1340, 0.3131, 0.802),
    Published("MT-Bench", "SW ranking", "arena + judge", 0.2321, 0.3604, 0.759),
    Published("MT-Bench", "BERT", "arena + judge", 0.1958, 0.3402, 0.751),
    Published("MT-Bench", "causal LLM", "arena + judge", 0.3150, 0.4875, 0.679),
)
