"""What a security team does with a policy before and after it is in service: ask it, test it, show it.

Each tool asks the same clearing as the router does, and none decides anything.

- `situations`: who asks for what, and the codes that leave each model out.
- `golden`: cases in YAML with what must, and must not, be cleared.
- `matrix`, `matrix_page`: data class x provider x region, for the terminal and for an auditor.
- `lint`: exhaustive over classes and models, also for terms that a provider has not got yet.
- `what_if`: past decisions under another policy or register.
- `why_not`: what a provider would have to offer.
"""
