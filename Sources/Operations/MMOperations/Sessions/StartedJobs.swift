import MMCore
import MMDesk
import MMPowerShell

/// The jobs that a call's script has started in its PowerShell and that still run when it has ended (`-AsJob`,
/// `Start-ThreadJob`).
///
/// What they send is what the call was let through for, so the call lasts until they have ended: a person who said yes to a
/// removal is told that it was carried out, not that it runs. They are a part of the call as its other commands are: its
/// deadline and its caller end the wait, and what goes on then only reads.
struct StartedJobs: Sendable {
    /// A job as PowerShell lists it.
    struct Job: Sendable, Hashable {
        let id: Int
        let name: String
        let state: String
        /// Jobs of a process of their own have no sign-in, and so nothing to send.
        let isOwnProcess: Bool
        /// Its first errors.
        let errors: [String]

        init?(_ json: JSONValue) {
            guard let id = json["Id"]?.int else { return nil }
            self.id = id
            name = json["Name"]?.string ?? ""
            state = json["State"]?.string ?? ""
            isOwnProcess = json["PSJobTypeName"]?.string == "BackgroundJob"
            // PowerShell makes no list of a single one.
            let errors = json["Errors"]?.array ?? [json["Errors"] ?? .null]
            self.errors = errors.compactMap(\.string).filter { !$0.isEmpty }
        }

        var isRunning: Bool { ["NotStarted", "Running", "Stopping"].contains(state) }
        var title: String { name.isEmpty ? "\(id)" : "\(id) (\(name))" }
    }

    /// Those that have ended by now.
    private(set) var ended: [Job] = []
    /// The number of the last job before the call.
    private let last: Int

    /// Notes which jobs there are before a script runs.
    /// - Parameter session: the PowerShell; `nil` for one that is yet to start.
    init(before session: GuardedPowerShell?, deadline: Deadline) async throws(MMError) {
        last = try await session?.listJobs(until: deadline).map(\.id).max() ?? 0
    }

    /// Waits for the jobs that the script has left running.
    /// - Parameter report: told what is waited for.
    /// - Throws: `.deadlineExceeded` or `.cancelled`, with the jobs that go on.
    mutating func wait(
        in session: GuardedPowerShell, deadline: Deadline, report: @Sendable (String) -> Void
    ) async throws(MMError) {
        while true {
            let running = try await session.listJobs(until: deadline).filter {
                $0.id > last && $0.isRunning && !$0.isOwnProcess
            }
            guard !running.isEmpty else { return }
            let titles = running.map(\.title).joined(separator: ", ")
            report("waiting for what the script left running: job \(titles)")
            do throws(MMError) {
                let ids = running.map(\.id)
                ended += try await session.listJobs(afterEndOf: ids, until: deadline)
                    .filter { ids.contains($0.id) && !$0.isRunning }
            } catch {
                throw Self.left(running: titles, error)
            }
        }
    }

    private static func left(running titles: String, _ error: MMError) -> MMError {
        guard [.deadlineExceeded, .cancelled].contains(error.code) else { return error }
        var told = error
        told.message =
            "The script has ended, but the job \(titles), which it started, still runs: from now on it only reads, and "
            + "what it would change is refused."
        told.hint = "Allow more time (--timeout), and look at what was done: Get-Job, Receive-Job."
        return told
    }

    /// What is said of them beside the answer.
    var notes: [String] {
        ended.map { job in
            let why = job.errors.isEmpty ? "" : ": \(job.errors.joined(separator: " "))"
            return "The job \(job.title) that the script started has ended: \(job.state)\(why). "
                + "Receive-Job -Id \(job.id) gives what it put out."
        }
    }

    /// Whether one of them came to nothing.
    var hasFailed: Bool { ended.contains { $0.state == "Failed" } }
}

extension GuardedPowerShell {
    /// The jobs of the session's PowerShell, once some of them have ended.
    fileprivate func listJobs(
        afterEndOf ids: [Int] = [], until deadline: Deadline
    ) async throws(MMError) -> [StartedJobs.Job] {
        let answer = try await answer(
            to: """
                param($Ids)
                if ($Ids) { $null = Microsoft.PowerShell.Core\\Wait-Job -Id $Ids -ErrorAction SilentlyContinue }
                Microsoft.PowerShell.Core\\Get-Job | Select-Object Id, Name, PSJobTypeName,
                    @{ Name = 'State'; Expression = { [string]$_.State } },
                    @{ Name = 'Errors'; Expression = {
                        @(@($_.Error) + @($_.ChildJobs.Error) | Select-Object -First 3 | ForEach-Object { "$_" }) } }
                """,
            ids.isEmpty ? [:] : ["Ids": .json(.array(ids.map { .int(Int64($0)) }))], deadline: deadline)
        return answer.values.compactMap(StartedJobs.Job.init)
    }
}
