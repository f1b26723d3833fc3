import Glibc
import MMCore
import MMEgress
import MMGuard
import MMIdentity
import MMPowerShell
import MMSessions
import MMSystem

/// A check whether PowerShell sessions can be confined on this machine, and which connections' sessions aren't.
package enum SessionsDoctor {
    /// Checks the kernel, the network access and the connections, and starts a program in the sandbox.
    /// - Parameter services: the services with the connections to check.
    package static func examine(_ services: OperationServices) async -> DoctorReport {
        var report = DoctorReport()
        let problem = HostWalls.problem()
        report.add("Landlock", problem == nil, problem.map(DoctorReport.words) ?? kernel)
        if problem == nil {
            let leak = HostWalls.networkProblem()
            report.add("network", leak == nil, leak.map(DoctorReport.words) ?? network)
            report.add(
                "processes", true,
                Confinement.Means.ofThisMachine.contains(.ownProcesses)
                    ? "sessions see only their own processes"
                    : "this user may not create a process namespace: sessions see the command lines of other programs")
            await tryWalls(&report)
        }
        await tryEgress(&report, services)
        do throws(MMError) {
            for connection in try services.registry.snapshot().connections {
                let walls = SessionWalls(of: connection)
                do throws(MMError) {
                    try walls.check()
                    report.add(connection.name, true, walls.notice ?? "sessions are confined")
                } catch {
                    report.add(connection.name, false, DoctorReport.words(error))
                }
            }
        } catch {
            report.add("connections", false, DoctorReport.words(error))
        }
        return report
    }

    private static var kernel: String {
        let signals =
            HostWalls.holdSignals
            ? "" : "; sessions can send signals to other processes of this user (Linux 6.12 or later prevents it)"
        return "version \(Confinement.kernelVersion)\(signals)"
    }

    private static var network: String {
        Confinement.road(isSupervised: true) == .ownNetwork
            ? "each session has its own network namespace, which reaches only its proxy"
            : "a supervising process opens the connections of sessions, only to their proxy"
    }

    /// Starts a program like a session's, which tries forbidden actions.
    private static func tryWalls(_ report: inout DoctorReport) async {
        guard let folder = try? OwnedFolder.make(in: "/var/tmp", "mm-doctor-") else {
            return report.add("a trial", false, "/var/tmp can't be written to")
        }
        defer { FolderTree.remove(folder) }
        let walls = HostWalls(in: folder)
        let settings = HostSettings(
            location: PowerShellLocation(program: "/bin/sh", reason: .named), folder: walls.folder, environment: [:])
        do throws(MMError) {
            let seen = try await walls.trial(of: settings)
            report.add(
                "a trial", seen.isConfined,
                seen.isConfined
                    ? "a test program could reach nothing outside"
                    : "a test program reached something that it must not reach")
            report.add(
                "mounts", true,
                seen.hasOwnTemporaryFolder
                    ? "sessions have their own /tmp"
                    : "this user may not create any: sessions share /tmp/.dotnet and can change permissions of files")
        } catch {
            report.add("a trial", false, DoctorReport.words(error))
        }
    }

    private static func tryEgress(_ report: inout DoctorReport, _ services: OperationServices) async {
        let folder = services.paths.stateDirectory + "/doctor"
        do throws(MMError) {
            let cloud = try Cloud.named("public", paths: services.paths)
            let session = try await EgressSession.start(
                EgressConfiguration(
                    session: "doctor", hosts: EgressHosts(cloud: cloud),
                    judge: GrantedRequests(guards: services.guards, policy: .standard), tokens: NoTokens(),
                    folder: folder, environment: services.environment, events: { _ in }))
            report.add("egress", true, "the proxy opened port \(session.port)")
            await session.close()
        } catch {
            report.add("egress", false, DoctorReport.words(error))
        }
    }

    private struct NoTokens: TokenSource {
        func token(for need: TokenNeed) async throws(MMError) -> Secret {
            throw MMError(.unsupported, "The doctor has no tokens.")
        }
    }
}
