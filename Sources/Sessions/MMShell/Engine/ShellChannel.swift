import Glibc
import MMCore
import MMSystem

/// The reading ends of a local shell's output, errors and reports, and the command that they currently belong to.
///
/// Reading happens on the poll loop's thread; all mutable state is behind one lock.
final class ShellChannel: Sendable {
    /// The end of a command as reported by the shell.
    struct Report: Sendable {
        var status: Int32
        var directory: [UInt8]
    }

    private struct Running {
        var id: [UInt8]
        var job: ShellJob?
        /// Called with the status when the shell shows its prompt before the report.
        var prompted: @Sendable (Int32) -> Void
        var finished: @Sendable (Report?) -> Void
    }

    private struct State {
        var running: Running?
        var reports: [UInt8] = []
        var exports: [UInt8]?
        var unclaimed: [UInt8] = []
        var isIdle = false
        var isClosed = false
        /// Whether the shell is gone, so that no report will come any more.
        var isAbandoned = false
        var watches: [PollLoop.Watch?] = [nil, nil, nil]
        /// The command that owns the terminal; kept a little longer than for the pipes, since the terminal is read
        /// separately.
        var terminalJob: ShellJob?
        var terminalMark = TerminalMark()
        var terminalEnd: OneShot<Void>?
    }

    private let descriptors: [OwnedDescriptor]
    private let loop: PollLoop
    private let state = Mutex(State())

    /// How many bytes that belong to no command are kept before their writer has to wait.
    private static let unclaimedLimit = 256 << 10

    /// Takes over the reading ends.
    init(output: OwnedDescriptor, error: OwnedDescriptor, reports: OwnedDescriptor) throws(MMError) {
        loop = try PollLoop.shared()
        descriptors = [output, error, reports]
        for descriptor in descriptors { _ = fcntl(descriptor.raw, F_SETFL, O_NONBLOCK) }
    }

    deinit { close() }

    /// Starts reading.
    func open() throws(MMError) {
        try state.withLock { (state) throws(MMError) in
            for index in 0..<3 {
                state.watches[index] = try loop.watch(descriptors[index].raw, for: .read, once: true) { [weak self] _ in
                    self?.ready(index)
                }
            }
        }
    }

    /// Stops reading. A running command is told that no report will come.
    func close() {
        let (watches, running) = state.withLock { state in
            state.isClosed = true
            defer {
                state.watches = [nil, nil, nil]
                state.running = nil
                // The job refers to its shell and the shell to its channel; this breaks the cycle.
                state.terminalJob = nil
            }
            return (state.watches, state.running)
        }
        for watch in watches { if let watch { loop.forget(watch) } }
        running?.finished(nil)
    }

    /// Assigns everything written from now on to this command; bytes that are already in the pipes belong to no
    /// command.
    /// - Parameters:
    ///   - prompted: receives the status when the shell shows its prompt before the report.
    ///   - finished: receives the report, or `nil` if none will come, on the reading thread.
    func begin(
        id: String, job: ShellJob?, prompted: @escaping @Sendable (Int32) -> Void = { _ in },
        finished: @escaping @Sendable (Report?) -> Void
    ) {
        let isClosed = state.withLock { state in
            for index in 0...1 { drain(index, &state) }
            state.running = Running(id: Array(id.utf8), job: job, prompted: prompted, finished: finished)
            state.terminalJob = job
            if state.isIdle {
                state.isIdle = false
                for index in 0...1 { arm(index, state) }
            }
            let isOver = state.isClosed || state.isAbandoned
            if isOver { state.running = nil }
            return isOver
        }
        if isClosed { finished(nil) }
    }

    /// Handles the loss of the shell: takes what it had still written, and ends the running command.
    func abandon() {
        let (running, report) = state.withLock { state -> (Running?, Report?) in
            state.isAbandoned = true
            if let (running, report) = readReports(&state) { return (running, report) }
            for index in 0...1 { drain(index, &state) }
            defer { state.running = nil }
            return (state.running, nil)
        }
        running?.finished(report)
    }

    /// Takes bytes that were written to the terminal.
    /// - Returns: the command that it belongs to.
    @discardableResult
    func terminalWrote(_ bytes: [UInt8]) -> ShellJob? {
        let (job, output, end) = state.withLock { state -> (ShellJob?, [UInt8], OneShot<Void>?) in
            let (output, isEnd) = state.terminalMark.take(bytes)
            guard isEnd else { return (state.terminalJob, output, nil) }
            defer { (state.terminalJob, state.terminalEnd) = (nil, nil) }
            return (state.terminalJob, output, state.terminalEnd)
        }
        output.withUnsafeBytes { job?.append(.terminal, $0) }
        end?.resolve(())
        return job
    }

    /// Ends the command's part of the terminal output at these bytes, which are removed from it.
    func expectTerminalEnd(_ mark: [UInt8]) -> OneShot<Void> {
        let end = OneShot<Void>()
        state.withLock { state in
            state.terminalMark.expect(mark)
            state.terminalEnd = end
        }
        return end
    }

    /// Stops waiting for the mark that ends the command's part of the terminal output.
    func forgetTerminalEnd() {
        state.withLock { state in
            state.terminalMark.giveUp()
            (state.terminalJob, state.terminalEnd) = (nil, nil)
        }
    }

    /// Returns the exported variables that the last commands reported; each report is returned once.
    func takeExports() -> [UInt8]? {
        state.withLock { state in
            defer { state.exports = nil }
            return state.exports
        }
    }

    /// Handles a report that is already in its pipe.
    func lookForReport() {
        if let (running, report) = state.withLock({ readReports(&$0) }) { running.finished(report) }
    }

    /// Takes what is in the pipes now.
    func catchUp() {
        state.withLock { state in
            for index in 0...1 { drain(index, &state) }
        }
    }

    /// Returns what background jobs wrote while no command ran; each output is returned once.
    func takeUnclaimed() -> [UInt8] {
        state.withLock { state in
            defer { state.unclaimed = [] }
            return state.unclaimed
        }
    }

    private func arm(_ index: Int, _ state: State) {
        if let watch = state.watches[index] { loop.rearm(watch, for: .read) }
    }

    private func ready(_ index: Int) {
        let finished: (Running, Report)? = state.withLock { state in
            guard !state.isClosed else { return nil }
            if index < 2 {
                for _ in 0..<16 {
                    guard case .bytes = take(index, &state) else { break }
                }
                if state.running == nil, state.unclaimed.count >= Self.unclaimedLimit {
                    state.isIdle = true
                } else if state.running?.job?.holds({ [weak self] in self?.goOn(index) }) != true {
                    arm(index, state)
                }
                return nil
            }
            return readReports(&state)
        }
        if let (running, report) = finished { running.finished(report) }
        // The waiting caller is told before the next report is awaited.
        if index == 2 { state.withLock { state in if !state.isClosed { arm(index, state) } } }
    }

    /// Resumes reading once there is room again for a command's output.
    private func goOn(_ index: Int) {
        state.withLock { state in if !state.isClosed { arm(index, state) } }
    }

    private enum Taken { case bytes, last, nothing, end }

    /// The size of one read. Freeing more than 64 KiB makes the allocator return memory to the system.
    private static let room = 32 << 10

    /// Reads once and passes the bytes to the command that they belong to.
    /// - Returns: `.last` for bytes after which the pipe was empty.
    private func take(_ index: Int, _ state: inout State) -> Taken {
        withUnsafeTemporaryAllocation(byteCount: Self.room, alignment: 16) { room in
            let count = read(descriptors[index].raw, room.baseAddress, room.count)
            if count == 0 { return .end }
            if count < 0 { return errno == EINTR ? .bytes : .nothing }
            let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
            if let running = state.running {
                running.job?.append(index == 0 ? .stdout : .stderr, bytes)
            } else {
                state.unclaimed.append(
                    contentsOf: bytes.prefix(max(0, 2 * Self.unclaimedLimit - state.unclaimed.count)))
            }
            return count < room.count ? .last : .bytes
        }
    }

    /// Reads what is in a pipe now, but no more than a pipe can hold: a background job may write forever.
    private func drain(_ index: Int, _ state: inout State) {
        guard !state.isClosed else { return }
        for _ in 0..<64 { guard case .bytes = take(index, &state) else { return } }
    }

    private func readReports(_ state: inout State) -> (Running, Report)? {
        var finished: (Running, Report)?
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { room in
            for _ in 0..<32 {
                let count = read(descriptors[2].raw, room.baseAddress, room.count)
                guard count > 0 else { break }
                state.reports.append(contentsOf: UnsafeRawBufferPointer(rebasing: room[..<count]))
                // A read that didn't fill the buffer has emptied the pipe.
                if count < room.count { break }
            }
        }
        var start = 0
        while let end = state.reports[start...].firstIndex(of: 0) {
            let record = state.reports[start..<end]
            start = end + 1
            switch record.first {
            case ShellDialect.exportsMark: state.exports = Array(record.dropFirst())
            case ShellDialect.endMark:
                guard finished == nil, let running = state.running,
                    let report = Self.report(record.dropFirst(), of: running.id)
                else { continue }
                // Whatever the command wrote was in the pipes before the shell reported.
                for index in 0...1 { drain(index, &state) }
                state.running = nil
                finished = (running, report)
            case ShellDialect.promptMark:
                guard finished == nil, let running = state.running,
                    let status = Int32(String(decoding: record.dropFirst(), as: UTF8.self))
                else { continue }
                running.prompted(status)
            default: continue
            }
        }
        state.reports.removeFirst(start)
        // The shell sends nothing this long, so another program must have written to the descriptor.
        if state.reports.count > 8 << 20 { state.reports = [] }
        return finished
    }

    private static func report(_ record: ArraySlice<UInt8>, of id: [UInt8]) -> Report? {
        guard record.starts(with: id) else { return nil }
        let rest = record.dropFirst(id.count)
        guard rest.first == 0x20, let blank = rest.dropFirst().firstIndex(of: 0x20),
            let status = Int32(String(decoding: rest[(rest.startIndex + 1)..<blank], as: UTF8.self))
        else { return nil }
        return Report(status: status, directory: Array(rest[(blank + 1)...]))
    }
}
