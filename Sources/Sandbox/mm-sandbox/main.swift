import MMSandbox

SandboxMain.main()
