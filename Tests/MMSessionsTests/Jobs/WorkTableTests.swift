import MMCore
import MMSystem
import Testing

@testable import MMSessions

@Suite("Jobs", .timeLimit(.minutes(5)))
struct WorkTableTests {
    private let table = WorkTable()
    private let release = OneShot<Void>()

    /// A job that runs until it is released or cancelled.
    private func slow(_ owner: String, until release: OneShot<Void>? = nil) -> Job<String> {
        let release = release ?? self.release
        return Job.start("slow", for: owner) { (job: Job<String>) in
            job.update(JobProgress(done: 1, total: 2, message: "half way"))
            await withTaskCancellationHandler {
                await release.wait()
            } onCancel: {
                release.resolve(())
            }
            return Task.isCancelled ? .failure(MMError(.cancelled, "Called off.")) : .success("answer")
        }
    }

    private func code(_ body: () throws(MMError) -> Void) -> MMErrorCode? {
        do throws(MMError) {
            try body()
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a job is visible only to its owner and to callers who may see everything")
    func owners() async throws {
        let job = slow("a")
        #expect(table.detach(job))
        #expect(code { () throws(MMError) in _ = try table.work(job.handle, for: ["b"]).report } == .notFound)
        #expect(code { () throws(MMError) in _ = try table.work(job.handle, for: ["b"]).events } == .notFound)
        #expect(table.reports(for: ["b"]).isEmpty)
        await #expect(throws: MMError.self) { _ = try await table.cancel(job.handle, for: ["b"]) }
        #expect(job.result == nil)
        #expect(try table.work(job.handle, for: nil).report.owner == "a")
        #expect(table.reports(for: nil).count == 1)
        release.resolve(())
        #expect(try await job.result(within: .seconds(300))?.get() == "answer")
        #expect(try table.work(job.handle, for: ["a"]).report.state == .done)
    }

    @Test("a caller that is cancelled goes on waiting for a result, but not for an end")
    func cancelledCallers() async throws {
        let job = slow("a")
        let end = Task { await job.finished(within: .seconds(3_000)) }
        end.cancel()
        await end.value
        #expect(job.result == nil)
        let result = Task { await job.result(within: .seconds(3_000)) }
        result.cancel()
        release.resolve(())
        #expect(try await result.value?.get() == "answer")
    }

    @Test("watchers of a job get its progress and its end, even if it has ended already")
    func events() async throws {
        let job = slow("a")
        #expect(table.detach(job))
        var heard: [String] = []
        for await event in try table.work(job.handle, for: ["a"]).events {
            switch event {
            case .progress(let progress):
                heard.append(progress.message)
                release.resolve(())
            case .ended(let report): heard.append(report.state.rawValue)
            }
        }
        #expect(heard == ["half way", "done"])
        var late: [String] = []
        for await event in try table.work(job.handle, for: ["a"]).events {
            if case .ended(let report) = event { late.append(report.state.rawValue) }
        }
        #expect(late == ["done"])
    }

    @Test("a cancelled job says so, and a second cancellation changes nothing")
    func cancel() async throws {
        let job = slow("a")
        #expect(table.detach(job))
        _ = try await table.cancel(job.handle, for: ["a"])
        _ = await job.result(within: .seconds(300))
        #expect(try table.work(job.handle, for: ["a"]).report.state == .cancelled)
        #expect(try await table.cancel(job.handle, for: ["a"]).state == .cancelled)
    }

    @Test("a call doesn't become a job while its person is being asked, after it was cancelled, or beyond the limit")
    func held() async {
        var limits = WorkTable.Limits()
        limits.running = 1
        let small = WorkTable(limits: limits)
        let (asked, answer) = (OneShot<Void>(), OneShot<Void>())
        let job = Job.start("asks", for: "a") { (job: Job<String>) in
            let reply: String? = await job.asking {
                asked.resolve(())
                await answer.wait()
                return "yes"
            }
            await self.release.wait()
            let late: String? = await job.asking { "late" }
            return .success("\(reply ?? "-") \(late ?? "nobody")")
        }
        await asked.wait()
        #expect(!small.detach(job))
        answer.resolve(())
        while !small.detach(job) { await Task.yield() }
        let second = Job.start("second", for: "a") { (_: Job<String>) in
            try? await Task.sleep(for: .seconds(600))
            return .success("")
        }
        #expect(!small.detach(second))
        second.cancel()
        release.resolve(())
        let result = await job.result(within: .seconds(300))
        #expect((try? result?.get()) == "yes nobody")
        #expect(!small.detach(second))
    }

    @Test("a limited number of results is kept, the newest ones")
    func kept() async throws {
        var limits = WorkTable.Limits()
        limits.kept = 5
        let small = WorkTable(limits: limits)
        let gates = (0..<12).map { _ in OneShot<Void>() }
        var handles: [String] = []
        for (number, gate) in gates.enumerated() {
            let job = Job.start("\(number)", for: "a") { (_: Job<String>) in
                await gate.wait()
                return .success("\(number)")
            }
            #expect(small.detach(job))
            gate.resolve(())
            _ = await job.result(within: .seconds(300))
            handles.append(job.handle)
        }
        #expect(small.reports(for: ["a"]).count == 5)
        #expect(Set(small.reports(for: nil).map(\.label)) == ["7", "8", "9", "10", "11"])
        #expect(code { () throws(MMError) in _ = try small.work(handles[0], for: nil) } == .notFound)
        // Its process may have ended in the middle of a change.
        #expect(
            #expect(throws: MMError.self) { try small.work(handles[0], for: nil) }?.hint?
                .contains("before you repeat it") == true)
    }

    @Test("an owner's jobs end with the owner; closing the table cancels all")
    func gone() async {
        let (first, second) = (slow("a"), slow("b", until: OneShot<Void>()))
        #expect(table.detach(first))
        table.forget(owner: "b")
        #expect(table.detach(second))
        table.forget(owner: "a")
        #expect(table.reports(for: nil).map(\.owner) == ["b"])
        #expect(await first.result(within: .seconds(300)) != nil)
        await table.close()
        #expect(table.reports(for: nil).isEmpty)
        #expect(second.result != nil)
        let late = Job.start("late", for: "a") { (_: Job<String>) in
            try? await Task.sleep(for: .seconds(600))
            return .success("")
        }
        #expect(!table.detach(late))
        late.cancel()
    }

    /// A job whose caller has its result.
    private final class Given: LongWork {
        let handle = WorkHandle.command.new()
        let owner = "a"
        let isDetached = false
        let ended: ContinuousClock.Instant? = .now
        var report: JobReport {
            JobReport(
                handle: handle, label: "given", owner: owner, state: .done, started: .now, elapsed: .zero,
                progress: nil, error: nil)
        }
        var events: AsyncStream<JobEvent> { AsyncStream { $0.finish() } }
        func cancel() {}
        func finished(within limit: Duration) async {}
    }

    @Test("a job whose caller has the result is kept too, unlisted, and doesn't replace undelivered ones")
    func given() async throws {
        var limits = WorkTable.Limits()
        limits.keptDelivered = 3
        let small = WorkTable(limits: limits)
        let job = slow("a")
        #expect(small.detach(job))
        release.resolve(())
        _ = await job.result(within: .seconds(300))
        let works = (0..<10).map { _ in Given() }
        for work in works { small.add(work) }
        #expect(small.reports(for: nil).map(\.handle) == [job.handle])
        #expect(small.all(Given.self).map(\.handle) == works.suffix(3).map(\.handle))
        #expect(try small.work(works[9].handle, for: ["b", "a"]).handle == works[9].handle)
        #expect(code { () throws(MMError) in _ = try small.work(works[9].handle, for: ["b"]) } == .notFound)
        #expect(code { () throws(MMError) in _ = try small.work(works[0].handle, for: nil) } == .notFound)
    }
}
