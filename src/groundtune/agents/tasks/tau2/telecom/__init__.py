"""tau2 telecom: a carrier whose agent talks to a customer, who has a phone."""
