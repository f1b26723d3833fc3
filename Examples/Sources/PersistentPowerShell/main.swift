// Keeps one PowerShell process and runs several commands in it: variables persist between them.
//
//     swift run PersistentPowerShell [CONNECTION]
import Glibc
import MMCore
import MMPowerShell

do throws(MMError) {
    let session: PowerShellSession
    if let connection = CommandLine.arguments.dropFirst().first {
        session = try PowerShellSession(module: .exchangeOnline, connection: connection)
        // The first time the module shows a code.
        try await session.connect { needed in
            print(needed.message)
            fflush(nil)
        }
        // Errors and warnings are records too.
        for try await record in try await session.run("Get-Mailbox", ["ResultSize": 5]) {
            print("\(record.stream): \(record.value)")
        }
    } else {
        session = try PowerShellSession(folder: StatePaths().home + "/.mm-example")
    }
    _ = try await session.answer(PowerShellCommand("$limit = 3"), deadline: .after(.seconds(60)))
    // Parameters are passed as data: nothing in them is run as code.
    let command = PowerShellCommand(
        "param($prefix) 1..$limit | ForEach-Object { $prefix + $_ }", parameters: ["prefix": "user"])
    for try await event in try await session.run(command, deadline: .after(.seconds(60))) {
        switch event {
        case .record(let record): print("\(record.stream.rawValue): \(record.value)")
        case .console(let text): print(text.text)
        case .end(let end): print("ended: \(end.state.rawValue)")
        }
    }
    await session.close()
} catch {
    print(error.description)
    exit(error.exitCode)
}
