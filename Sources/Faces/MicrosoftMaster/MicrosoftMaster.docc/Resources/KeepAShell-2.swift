import MMCore
import MMShell

let shell = try await LocalShell.start(ShellSettings(name: "tutorial", environment: ProcessEnvironment.read()))
let answer = try await shell.run("echo begun; sleep 60", deadline: .after(.seconds(2)))
print(String(decoding: answer.stdout.bytes, as: UTF8.self))
print("exit code \(answer.end.exitCode), \(answer.end.cause.word)")
await shell.close()
