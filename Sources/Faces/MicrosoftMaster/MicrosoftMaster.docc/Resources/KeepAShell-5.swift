import MMCore
import MMShell

let shell = try await LocalShell.start(ShellSettings(name: "tutorial"))
let job = try await shell.start(ShellCommand("sort", input: .pipe), deadline: .after(.seconds(60)))
try await job.feed(Array("second\nfirst\n".utf8))
try await job.feed(nil)
_ = await job.wait()
print(job.output(.stdout).text)
await shell.close()
