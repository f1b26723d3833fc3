import MMCore
import MMPowerShell
import PowerShellSyntax

/// The jobs of the stand-in's session: requests that continue after the command that started them has ended, as with
/// `-AsJob`, and the cmdlets that list them and wait for them.
final class StandInJobs: Sendable {
    /// One job.
    final class Job: Sendable {
        let id: Int
        let name: String
        private let outcome = Mutex<(state: String, error: String?)>(("Running", nil))

        init(id: Int, name: String) {
            self.id = id
            self.name = name
        }

        var isRunning: Bool { outcome.withLock { $0.state == "Running" } }

        func end(_ state: String, error: String? = nil) { outcome.withLock { $0 = (state, error) } }

        /// The row of `Get-Job`.
        var row: JSONValue {
            let (state, error) = outcome.withLock { $0 }
            return [
                "Id": .int(Int64(id)), "Name": .string(name), "PSJobTypeName": "AzureLongRunningJob",
                "State": .string(state), "Errors": error.map { .string($0) } ?? .null,
            ]
        }
    }

    private let jobs = Mutex<[Job]>([])

    /// Runs `Invoke-StandIn job MODULE METHOD ADDRESS BODY MS`: sends a request after a while, in parallel to other
    /// commands.
    func start(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        guard let tenant = host.tenant else { return StandInRefusal("There is no tenant.", id: "NoTenant").end }
        let token = host.modules.signedIn[call.text(1) ?? ""]?.token
        let (method, path, body) = (call.text(2) ?? "GET", call.text(3) ?? "/", call.text(4))
        let wait = call.number(5, 100)
        let job = start("Long Running Operation for '\(method)'") { () async throws(MMError) in
            try? await Task.sleep(for: .milliseconds(wait))
            let answer = try await tenant.send(method, path, body: body, token: token)
            guard answer.status < 400 else { throw MMError(.remoteFailed, answer.text) }
        }
        host.emit(PowerShellRecord(.output, job.row))
        return nil
    }

    /// Starts work in parallel to other commands; the job fails with the work's error.
    func start(_ name: String, _ work: @escaping @Sendable () async throws(MMError) -> Void) -> Job {
        let job = jobs.withLock { jobs in
            let job = Job(id: jobs.count + 1, name: name)
            jobs.append(job)
            return job
        }
        Task {
            do throws(MMError) {
                try await work()
                job.end("Completed")
            } catch {
                job.end("Failed", error: error.message)
            }
        }
        return job
    }

    /// Outputs a job as a cmdlet does with `-AsJob`; if that is piped into `Wait-Job`, once it has ended.
    func show(_ job: Job, _ call: StandInCall, _ host: StandInHost) {
        if call.next?.constantName?.lowercased() == "wait-job" {
            while job.isRunning, host.wait(milliseconds: 10) {}
        }
        guard !call.isSilent, let row = job.row.object else { return }
        host.emit(PowerShellRecord(.output, .object(StandInColumn.chosen(of: row, by: call.next))))
    }

    /// Runs `Get-Job`.
    static func list(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        for job in host.jobs.named(in: call) where !call.isSilent { host.emit(PowerShellRecord(.output, job.row)) }
        return nil
    }

    /// Runs `Wait-Job`, which can be stopped.
    static func wait(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        let wanted = host.jobs.named(in: call)
        while wanted.contains(where: \.isRunning) {
            guard host.wait(milliseconds: 10) else { return CommandEnd(.stopped) }
        }
        return list(call, host)
    }

    private func named(in call: StandInCall) -> [Job] {
        let all = jobs.withLock { $0 }
        guard let ids = call.named["id"] else { return all }
        let wanted = (ids.array ?? [ids]).compactMap(\.int)
        return all.filter { wanted.contains($0.id) }
    }
}
