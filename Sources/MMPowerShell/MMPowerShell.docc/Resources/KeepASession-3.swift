import MMCore
import MMPowerShell

let session = try PowerShellSession(module: .exchangeOnline, connection: "Contoso")
try await session.connect { needed in print(needed.message) }
for try await record in try await session.run("Get-Mailbox", ["ResultSize": 5]) {
    print(record.value["PrimarySmtpAddress"]?.string ?? "")
}
await session.close()
