import MMCore
import MMPowerShell

let session = try PowerShellSession(folder: "/tmp/tutorial")
let command = PowerShellCommand(
    "param($name) [pscustomobject]@{ name = $name; length = $name.Length }",
    parameters: ["name": "O'Brien; Get-Date"])
let answer = try await session.answer(command, deadline: .after(.seconds(60)))
for value in answer.values { print(value["name"]?.string ?? "", value["length"]?.int ?? 0) }
await session.close()
