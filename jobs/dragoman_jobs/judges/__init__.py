"""Language models that judge translations: metrics whose scorer is an endpoint of OpenAI's protocol."""
