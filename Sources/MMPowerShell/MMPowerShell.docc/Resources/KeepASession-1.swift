import MMCore
import MMPowerShell

let session = try PowerShellSession(folder: "/tmp/tutorial")
let answer = try await session.answer(PowerShellCommand("1..3"), deadline: .after(.seconds(60)))
for value in answer.values { print(value) }
await session.close()
