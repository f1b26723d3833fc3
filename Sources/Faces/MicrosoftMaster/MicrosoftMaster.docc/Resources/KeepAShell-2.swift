import MMCore
import MMShell

let shell = try await LocalShell.start(ShellSettings(name: "tutorial"))
let answer = try await shell.run("echo begun; sleep 60", deadline: .after(.seconds(2)))
print(answer.stdout.text)
print("exit code \(answer.end.exitCode), \(answer.end.cause.word)")
await shell.close()
