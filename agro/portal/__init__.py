"""The roof for people: pages and an API over what is published. It writes nothing but accounts and drawn tiles."""
