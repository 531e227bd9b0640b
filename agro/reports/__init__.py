"""What a person reads, as text or bytes. Pure: same input, same output."""
