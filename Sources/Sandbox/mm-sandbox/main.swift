import MMSandboxServing

SandboxMain.main()
