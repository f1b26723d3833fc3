import MMPowerShell

await PowerShellStandIn.main()
