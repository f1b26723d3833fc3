import MMCore
import MMShell

let masters = SSHMasters(environment: ShellEnvironment.scrubbed(ProcessEnvironment.read()))
let host = try await SSHSession.connect(SSHTarget("web1.contoso.com", user: "ops"), masters: masters)
_ = try await host.run("cd /var/log")
let answer = try await host.run("tail -n 5 syslog", deadline: .after(.seconds(30)))
print(String(decoding: answer.stdout.bytes, as: UTF8.self))
await host.close()
