import MMCore
import MMSystem
import Testing

@testable import MMSessions

@Suite("Jobs", .timeLimit(.minutes(5)))
struct JobBoardTests {
    private let board = JobBoard<String>()
    private let release = OneShot<Void>()

    /// A job that goes on until it is released or called off.
    private func slow(_ owner: String, _ board: JobBoard<String>, until release: OneShot<Void>? = nil) -> Job<String> {
        let release = release ?? self.release
        return board.start(label: "slow", for: owner) { job in
            job.tell(JobProgress(done: 1, total: 2, message: "half way"))
            await withTaskCancellationHandler {
                await release.wait()
            } onCancel: {
                release.give(())
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

    @Test("a job is its owner's alone; who may see everything sees it too")
    func owners() async throws {
        let job = slow("a", board)
        #expect(board.letGo(job))
        #expect(code { () throws(MMError) in _ = try board.report(job.handle, for: "b") } == .notFound)
        #expect(code { () throws(MMError) in _ = try board.events(job.handle, for: "b") } == .notFound)
        #expect(board.reports(for: "b").isEmpty)
        await #expect(throws: MMError.self) { _ = try await board.cancel(job.handle, for: "b") }
        #expect(job.result == nil)
        #expect(try board.report(job.handle, for: nil).owner == "a")
        #expect(board.reports(for: nil).count == 1)
        release.give(())
        #expect(try await job.result(within: .seconds(300), endsEarly: false)?.get() == "answer")
        #expect(try board.report(job.handle, for: "a").state == .done)
    }

    @Test("who watches a job hears of its progress and its end, also when it has ended")
    func events() async throws {
        let job = slow("a", board)
        #expect(board.letGo(job))
        var heard: [String] = []
        for await event in try board.events(job.handle, for: "a") {
            switch event {
            case .progress(let progress):
                heard.append(progress.message)
                release.give(())
            case .ended(let report): heard.append(report.state.rawValue)
            }
        }
        #expect(heard == ["half way", "done"])
        var late: [String] = []
        for await event in try board.events(job.handle, for: "a") {
            if case .ended(let report) = event { late.append(report.state.rawValue) }
        }
        #expect(late == ["done"])
    }

    @Test("a cancelled job says so, and a second cancel changes nothing")
    func cancel() async throws {
        let job = slow("a", board)
        #expect(board.letGo(job))
        _ = try await board.cancel(job.handle, for: "a")
        _ = await job.result(within: .seconds(300), endsEarly: false)
        #expect(try board.report(job.handle, for: "a").state == .cancelled)
        #expect(try await board.cancel(job.handle, for: "a").state == .cancelled)
    }

    @Test("a call is not let go while its person is being asked, nor when it was called off, nor beyond the room")
    func held() async {
        var limits = JobBoard<String>.Limits()
        limits.running = 1
        let small = JobBoard<String>(limits: limits)
        let (asked, answer) = (OneShot<Void>(), OneShot<Void>())
        let job = small.start(label: "asks", for: "a") { job in
            let reply: String? = await job.asking {
                asked.give(())
                await answer.wait()
                return "yes"
            }
            await self.release.wait()
            let late: String? = await job.asking { "late" }
            return .success("\(reply ?? "-") \(late ?? "nobody")")
        }
        await asked.wait()
        #expect(!small.letGo(job))
        answer.give(())
        while !small.letGo(job) { await Task.yield() }
        let second = small.start(label: "second", for: "a") { _ in
            try? await Task.sleep(for: .seconds(600))
            return .success("")
        }
        #expect(!small.letGo(second))
        second.cancel()
        release.give(())
        let result = await job.result(within: .seconds(300), endsEarly: false)
        #expect((try? result?.get()) == "yes nobody")
        #expect(!small.letGo(second))
    }

    @Test("only so many results are kept, the newest")
    func kept() async throws {
        var limits = JobBoard<String>.Limits()
        limits.kept = 5
        let small = JobBoard<String>(limits: limits)
        let gates = (0..<12).map { _ in OneShot<Void>() }
        var handles: [String] = []
        for (number, gate) in gates.enumerated() {
            let job = small.start(label: "\(number)", for: "a") { _ in
                await gate.wait()
                return .success("\(number)")
            }
            #expect(small.letGo(job))
            gate.give(())
            _ = await job.result(within: .seconds(300), endsEarly: false)
            handles.append(job.handle)
        }
        #expect(small.reports(for: "a").count == 5)
        #expect(Set(small.reports(for: nil).map(\.label)) == ["7", "8", "9", "10", "11"])
        #expect(code { () throws(MMError) in _ = try small.job(handles[0], for: nil) } == .notFound)
    }

    @Test("an owner who goes takes the jobs along; a board that closes calls off all")
    func gone() async {
        let (first, second) = (slow("a", board), slow("b", board, until: OneShot<Void>()))
        #expect(board.letGo(first))
        board.forget(owner: "b")
        #expect(board.letGo(second))
        board.forget(owner: "a")
        #expect(board.reports(for: nil).map(\.owner) == ["b"])
        #expect(await first.result(within: .seconds(300), endsEarly: false) != nil)
        await board.close()
        #expect(board.reports(for: nil).isEmpty)
        #expect(second.result != nil)
        let late = board.start(label: "late", for: "a") { _ in
            try? await Task.sleep(for: .seconds(600))
            return .success("")
        }
        #expect(!board.letGo(late))
        late.cancel()
    }
}
