import MMCore
import MMShell

let masters = SSHMasters()
let host = try await SSHSession.connect(SSHTarget("web1.contoso.com", user: "ops"), masters: masters)
_ = try await host.run("cd /var/log")
let answer = try await host.run("tail -n 5 syslog", deadline: .after(.seconds(30)))
print(answer.stdout.text)
await host.close()
