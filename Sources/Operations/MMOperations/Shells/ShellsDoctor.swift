import Glibc
import MMCore
import MMDesk
import MMEgress
import MMShell

/// Whether shells that no person opened at a terminal can be confined on this machine, and how they are.
package enum ShellsDoctor {
    /// Looks at the settings, the kernel and the programs, and starts a shell as a model would.
    package static func examine(_ services: ShellServices) async -> DoctorReport {
        var doctor = DoctorReport()
        let path = ShellsConfiguration.path(services.environment, home: services.paths.home)
        let configuration: ShellsConfiguration
        do throws(MMError) {
            configuration = try ShellsConfiguration.read(path)
            doctor.add("settings", true, access(path, F_OK) == 0 ? path : "\(path) doesn't exist: the defaults apply")
        } catch {
            doctor.add("settings", false, DoctorReport.words(error))
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
            problem.map(DoctorReport.words) ?? "can keep to the profile workspace")
        if let hosts = configuration.egress {
            doctor.add(
                "network", problem == nil || confinement != .workspace,
                "egress: confined shells reach \(hosts.map(\.description).joined(separator: ", "))")
        }
        doctor.add(
            "bubblewrap", SandboxProfile.bubblewrap != nil || confinement != .isolated,
            SandboxProfile.bubblewrap ?? "not installed; only the profile isolated needs it")
        if confinement != .argv { await tryShell(services, configuration, confinement, &doctor) }
        return doctor
    }

    private static func tryShell(
        _ services: ShellServices, _ configuration: ShellsConfiguration,
        _ confinement: ShellsConfiguration.Confinement, _ doctor: inout DoctorReport
    ) async {
        var template = Array("/tmp/mm-doctor-XXXXXX".utf8CString)
        let folder = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
            .map { String(cString: $0) }
        guard let folder else { return doctor.add("a trial", false, "/tmp can't be written to") }
        defer { rmdir(folder) }
        let opening = ShellOpening(services: services, configuration: configuration, confinement: confinement)
        do throws(MMError) {
            let member = try await opening.local(
                ShellSessionName(owner: "doctor", place: .shell, name: "trial"), kind: nil, directory: folder)
            if case .shell(let session) = member.body { await session.close() }
            doctor.add("a trial", true, "a shell was started, confined by \(member.sandbox ?? confinement.rawValue)")
        } catch {
            doctor.add("a trial", false, DoctorReport.words(error))
        }
    }
}
