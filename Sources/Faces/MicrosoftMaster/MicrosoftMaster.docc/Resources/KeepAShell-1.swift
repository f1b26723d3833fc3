import MMCore
import MMShell

let shell = try await LocalShell.start(ShellSettings(name: "tutorial"))
_ = try await shell.run("cd /usr/share && export COLOUR=green")
let answer = try await shell.run("pwd; echo $COLOUR")
print(answer.stdout.text)
await shell.close()
