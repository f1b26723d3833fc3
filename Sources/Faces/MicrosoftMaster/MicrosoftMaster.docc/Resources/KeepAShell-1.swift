import MMCore
import MMShell

let shell = try await LocalShell.start(ShellSettings(name: "tutorial", environment: ProcessEnvironment.read()))
_ = try await shell.run("cd /usr/share && export COLOUR=green")
let answer = try await shell.run("pwd; echo $COLOUR")
print(String(decoding: answer.stdout.bytes, as: UTF8.self))
await shell.close()
