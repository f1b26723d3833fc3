// Keeps one PowerShell process and runs several commands in it: what the first one sets the next one finds.
//
//     swift run PersistentPowerShell
import Glibc
import MMCore
import MMPowerShell

do throws(MMError) {
    var variables: [String: String] = [:]
    for name in ["HOME", "PATH", "MM_PWSH", "PWSH_PATH", "LANG"] {
        if let value = getenv(name) { variables[name] = String(cString: value) }
    }
    let location = try PowerShellLocator(environment: variables).locate()
    print("PowerShell: \(location.program)")

    let folder = (variables["HOME"] ?? "/tmp") + "/.mm-example"
    let session = PowerShellSession(
        PowerShellSessionSettings(host: HostSettings(location: location, folder: folder, environment: variables)))

    _ = try await session.answer(PowerShellCommand("$limit = 3"), deadline: .after(.seconds(60)))
    // Parameters arrive as data: nothing in them is ever run.
    let command = PowerShellCommand("1..10 | Select-Object -First $limit")
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
