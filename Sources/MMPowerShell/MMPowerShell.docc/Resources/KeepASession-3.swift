import MMCore
import MMPowerShell

let session = try PowerShellSession(module: .exchangeOnline, connection: "Contoso")
try await session.connect { needed in print(needed.message) }
for try await record in try await session.run("Get-Mailbox", ["ResultSize": 5]) {
    switch record.stream {
    case .output: print(record.value["PrimarySmtpAddress"]?.string ?? "")
    case .error: print("! \(record.value["message"]?.string ?? "")")
    default: break
    }
}
await session.close()
