from tests.integration.agent.conftest import make_agent, pyz, shared

__all__ = ["make_agent", "pyz", "shared"]
