import MMCore
import MMDesk
import MMPowerShell

/// The jobs that a call's script has started in PowerShell (`-AsJob`, `Start-ThreadJob`) and that still run when the
/// script has ended.
///
/// The jobs' requests are covered by the call's clearance, so the call waits for their end. A person who confirmed a
/// removal then learns that it was carried out, not just that it runs. The call's deadline and its cancellation end the
/// wait; a job that goes on after that can only read.
struct StartedJobs: Sendable {
    /// A job as PowerShell lists it.
    struct Job: Sendable, Hashable {
        let id: Int
        let name: String
        let state: String
        /// Whether the job runs in a process of its own, which has no sign-in and so can't send requests.
        let isOwnProcess: Bool
        /// Its first errors.
        let errors: [String]

        init?(_ json: JSONValue) {
            guard let id = json["Id"]?.int else { return nil }
            self.id = id
            name = json["Name"]?.string ?? ""
            state = json["State"]?.string ?? ""
            isOwnProcess = json["PSJobTypeName"]?.string == "BackgroundJob"
            // PowerShell doesn't write a list for a single error.
            let errors = json["Errors"]?.array ?? [json["Errors"] ?? .null]
            self.errors = errors.compactMap(\.string).filter { !$0.isEmpty }
        }

        var isRunning: Bool { ["NotStarted", "Running", "Stopping"].contains(state) }
        var title: String { name.isEmpty ? "\(id)" : "\(id) (\(name))" }
    }

    /// The jobs that have ended.
    private(set) var ended: [Job] = []
    /// The id of the last job before the call.
    private let last: Int

    /// Records which jobs exist before a script runs.
    /// - Parameter session: the PowerShell session; `nil` if it hasn't started.
    init(before session: GuardedPowerShell?, deadline: Deadline) async throws(MMError) {
        last = try await session?.listJobs(until: deadline).map(\.id).max() ?? 0
    }

    /// Waits for the jobs that the script has left running.
    /// - Parameter report: called with the jobs that are waited for.
    /// - Throws: `.deadlineExceeded` or `.cancelled`, with the jobs that still run.
    mutating func wait(
        in session: GuardedPowerShell, deadline: Deadline, report: @Sendable (String) -> Void
    ) async throws(MMError) {
        while true {
            let running = try await session.listJobs(until: deadline).filter {
                $0.id > last && $0.isRunning && !$0.isOwnProcess
            }
            guard !running.isEmpty else { return }
            let titles = running.map(\.title).joined(separator: ", ")
            report("waiting for jobs that the script started: \(titles)")
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
            "The script has ended, but a job that it started still runs: \(titles). From now on the job can only read; "
            + "its changes are refused."
        told.hint = "Allow more time (--timeout), and check the job's results: Get-Job, Receive-Job."
        return told
    }

    /// The notes about the jobs for the answer.
    var notes: [String] {
        ended.map { job in
            let why = job.errors.isEmpty ? "" : ": \(job.errors.joined(separator: " "))"
            return "The job \(job.title) that the script started has ended: \(job.state)\(why). "
                + "Receive-Job -Id \(job.id) shows its output."
        }
    }

    /// Whether one of the jobs failed.
    var hasFailed: Bool { ended.contains { $0.state == "Failed" } }
}

extension GuardedPowerShell {
    /// Returns the jobs of the session's PowerShell, after waiting for the end of the given ones.
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
