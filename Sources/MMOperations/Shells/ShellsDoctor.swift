import Glibc
package import MMCore
import MMShell

/// Whether shells that no person opened at a terminal can be confined on this machine, and how they are.
package struct ShellsDoctor: Sendable {
    /// One thing that was looked at.
    package struct Row: Sendable, Hashable {
        /// What it is.
        package let name: String
        /// Whether it is as it has to be.
        package let isSound: Bool
        /// What was found.
        package let detail: String
    }

    /// What was found, in the order it was looked at.
    package private(set) var rows: [Row] = []

    /// Whether such shells can be started.
    package var isSound: Bool { rows.allSatisfy(\.isSound) }

    /// Looks at the settings, the kernel and the programs, and starts a shell as a model would.
    package static func examine(_ services: ShellServices) async -> ShellsDoctor {
        var doctor = ShellsDoctor()
        let path = ShellsConfiguration.path(services.environment, home: services.paths.home)
        let configuration: ShellsConfiguration
        do throws(MMError) {
            configuration = try ShellsConfiguration.read(path)
            doctor.add("settings", true, access(path, F_OK) == 0 ? path : "\(path) is not there: all is as usual")
        } catch {
            doctor.add("settings", false, words(error))
            return doctor
        }
        let confinement = configuration.confinement(of: Caller(surface: .mcp, name: "doctor", server: nil))
        let source = configuration.sandbox == nil ? "as usual" : "as its owner says"
        doctor.add(
            "shells of models", true,
            "\(confinement.rawValue), \(source)"
                + (confinement == .guard ? ": no walls, they reach every file of the user" : ""))
        let problem = SandboxProfile.workspaceProblem(configuration.network)
        doctor.add(
            "Landlock", problem == nil || confinement != .workspace,
            problem.map(words) ?? "can keep to the profile workspace")
        doctor.add(
            "bubblewrap", SandboxProfile.bubblewrap != nil || confinement != .isolated,
            SandboxProfile.bubblewrap ?? "not installed; only the profile isolated needs it")
        if confinement != .argv { await doctor.tryShell(services, configuration, confinement) }
        return doctor
    }

    private mutating func tryShell(
        _ services: ShellServices, _ configuration: ShellsConfiguration,
        _ confinement: ShellsConfiguration.Confinement
    ) async {
        var template = Array("/tmp/mm-doctor-XXXXXX".utf8CString)
        let folder = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
            .map { String(cString: $0) }
        guard let folder else { return add("a trial", false, "/tmp can't be written to") }
        defer { rmdir(folder) }
        let opening = ShellOpening(services: services, configuration: configuration, confinement: confinement)
        do throws(MMError) {
            let member = try await opening.local(
                ShellSessionName(owner: "doctor", place: .shell, name: "trial"), kind: nil, directory: folder)
            if case .shell(let session) = member.body { await session.close() }
            add("a trial", true, "a shell was started, confined by \(member.sandbox ?? confinement.rawValue)")
        } catch {
            add("a trial", false, Self.words(error))
        }
    }

    private mutating func add(_ name: String, _ isSound: Bool, _ detail: String) {
        rows.append(Row(name: name, isSound: isSound, detail: detail))
    }

    private static func words(_ error: MMError) -> String { error.message + (error.hint.map { " " + $0 } ?? "") }

    /// The table for a terminal.
    package var text: String {
        let width = rows.map(\.name.count).max() ?? 0
        return rows.map { row in
            let name = row.name + String(repeating: " ", count: width - row.name.count)
            return "\(row.isSound ? "ok    " : "FAILED")  \(name)  \(row.detail)"
        }.joined(separator: "\n")
    }

    /// The table as JSON.
    package var json: JSONObject {
        [
            "sound": .bool(isSound),
            "rows": .array(
                rows.map { row in
                    ["name": .string(row.name), "sound": .bool(row.isSound), "detail": .string(row.detail)]
                }),
        ]
    }
}
