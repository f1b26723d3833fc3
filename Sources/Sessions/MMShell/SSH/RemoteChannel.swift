import Glibc
import MMCore
import MMSystem

/// Our ends of a remote shell's output and errors, with the reports that come within them.
///
/// Reading happens on the poll loop's thread; all that changes is behind one lock.
final class RemoteChannel: Sendable {
    private struct Running {
        var job: ShellJob?
        var prompted: @Sendable (Int32) -> Void
        var finished: @Sendable (FrameReader.Report?) -> Void
        /// What standard output reported; the same is still to come on the other stream, or the other way round.
        var report: FrameReader.Report?
        var hasErrorReport = false
    }

    private struct State {
        var readers: [FrameReader]
        var running: Running?
        var exports: [UInt8]?
        var unclaimed: [UInt8] = []
        var watches: [PollLoop.Watch?] = [nil, nil]
        var open = 2
        var isOver = false
        var streamsEnded: OneShot<Void>?
    }

    private let descriptors: [OwnedDescriptor]
    private let loop: PollLoop
    private let state: Mutex<State>

    /// How much is kept that no command claims.
    private static let unclaimedLimit = 256 << 10

    /// Takes over the reading ends.
    /// - Parameter promptMark: what a prompt that comes round says of itself.
    init(output: OwnedDescriptor, error: OwnedDescriptor, promptMark: String) throws(MMError) {
        state = Mutex(State(readers: [FrameReader(promptMark: promptMark), FrameReader()]))
        loop = try PollLoop.shared()
        descriptors = [output, error]
        for descriptor in descriptors { _ = fcntl(descriptor.raw, F_SETFL, O_NONBLOCK) }
    }

    deinit { close() }

    /// Starts to read.
    func open() throws(MMError) {
        try state.withLock { (state) throws(MMError) in
            for index in 0..<2 {
                state.watches[index] = try loop.watch(descriptors[index].raw, for: .read, once: true) { [weak self] _ in
                    self?.ready(index)
                }
            }
        }
    }

    /// Stops to read. A command that runs is told that no report will come.
    func close() {
        let (watches, running, ended) = state.withLock { state in
            state.isOver = true
            defer {
                state.watches = [nil, nil]
                state.running = nil
                state.streamsEnded = nil
            }
            return (state.watches, state.running, state.streamsEnded)
        }
        for watch in watches { if let watch { loop.forget(watch) } }
        running?.finished(nil)
        ended?.resolve(())
    }

    /// From now on what comes belongs to this command.
    /// - Parameters:
    ///   - prompted: is given the status when the shell's prompt comes round before the report.
    ///   - finished: is given the report, or nil when none will come, on the thread that reads.
    func begin(
        _ id: String, job: ShellJob?, prompted: @escaping @Sendable (Int32) -> Void,
        finished: @escaping @Sendable (FrameReader.Report?) -> Void
    ) {
        let isOver = state.withLock { state in
            for index in 0..<2 { state.readers[index].begin(id) }
            state.running = state.isOver ? nil : Running(job: job, prompted: prompted, finished: finished)
            return state.isOver
        }
        if isOver { finished(nil) }
    }

    /// The shell is gone: waits a while for what still comes, then takes the running command off.
    func ended(within time: Duration) async {
        let turn = OneShot<Void>()
        let isOpen = state.withLock { state in
            guard state.open > 0, !state.isOver else { return false }
            state.streamsEnded = turn
            return true
        }
        if isOpen {
            let alarm = Task { [weak self] in
                // What waits for its reader comes when that takes it.
                repeat { try? await Task.sleep(for: time) } while !Task.isCancelled && self?.isHolding == true
                turn.resolve(())
            }
            await turn.wait()
            alarm.cancel()
        }
        let running = state.withLock { state -> Running? in
            state.isOver = true
            for index in 0..<2 {
                let rest = state.readers[index].finish()
                rest.withUnsafeBytes { state.running?.job?.append(index == 0 ? .stdout : .stderr, $0) }
            }
            defer { state.running = nil }
            return state.running
        }
        running?.finished(nil)
    }

    /// The exported variables that the last commands left.
    func takeExports() -> [UInt8]? {
        state.withLock { state in
            defer { state.exports = nil }
            return state.exports
        }
    }

    /// What came while no command ran; it is given once.
    func takeUnclaimed() -> [UInt8] {
        state.withLock { state in
            defer { state.unclaimed = [] }
            return state.unclaimed
        }
    }

    private func ready(_ index: Int) {
        let (finished, report, ended):
            (
                (@Sendable (FrameReader.Report?) -> Void)?, FrameReader.Report?, OneShot<Void>?
            ) = state.withLock { state in
                guard !state.isOver || state.running != nil else { return (nil, nil, nil) }
                if !take(index, &state) {
                    state.open -= 1
                    if let watch = state.watches[index] { loop.forget(watch) }
                    state.watches[index] = nil
                }
                let ended = state.open == 0 ? state.streamsEnded : nil
                guard let running = state.running, let report = running.report, running.hasErrorReport else {
                    return (nil, nil, ended)
                }
                state.running = nil
                return (running.finished, report, ended)
            }
        if let finished { finished(report) }
        ended?.resolve(())
        // Whoever waits for the end is told first.
        let job = state.withLock { $0.running?.job }
        if job?.holds({ [weak self] in self?.goOn(index) }) != true { goOn(index) }
    }

    /// Reads on.
    private func goOn(_ index: Int) {
        state.withLock { state in
            guard !state.isOver || state.running != nil, let watch = state.watches[index] else { return }
            loop.rearm(watch, for: .read)
        }
    }

    /// Whether the command that runs waits for its reader.
    private var isHolding: Bool { state.withLock { $0.running?.job }?.isHolding ?? false }

    /// Reads what is there and gives it to whom it belongs.
    /// - Returns: false at the end of the stream.
    private func take(_ index: Int, _ state: inout State) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 32 << 10, alignment: 16) { room in
            for _ in 0..<4 {
                let count = read(descriptors[index].raw, room.baseAddress, room.count)
                if count < 0, errno == EINTR { continue }
                if count < 0 { return errno == EAGAIN }
                if count == 0 { return false }
                let taken = state.readers[index].take(Array(UnsafeRawBufferPointer(rebasing: room[..<count])))
                if let exports = taken.exports { state.exports = exports }
                if let status = taken.prompted { state.running?.prompted(status) }
                if let job = state.running?.job {
                    taken.output.withUnsafeBytes { job.append(index == 0 ? .stdout : .stderr, $0) }
                } else {
                    let most = max(0, Self.unclaimedLimit - state.unclaimed.count)
                    state.unclaimed.append(contentsOf: taken.output.prefix(most))
                }
                if let report = taken.report {
                    if index == 0 { state.running?.report = report } else { state.running?.hasErrorReport = true }
                }
                if count < room.count { return true }
            }
            return true
        }
    }
}
