"""How a machine is reached: SSH, WinRM, and what the network says. Knows nothing of pyinfra and of what is asked."""
