import MMCore
import MMShell

let shell = try await LocalShell.start(ShellSettings(name: "tutorial"))
let job = try await shell.start(
    ShellCommand("for step in 1 2 3; do echo step $step; sleep 1; done"), deadline: .after(.seconds(60)))
if await job.wait(for: "step 2", in: .stdout, until: .after(.seconds(30))) != nil { print("half of it is done") }
if let end = await job.wait() { print("exit code \(end.exitCode)") }
print(job.output(.stdout).text)
await shell.close()
