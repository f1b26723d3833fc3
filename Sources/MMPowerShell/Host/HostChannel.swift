import Glibc
import MMCore
import MMSystem

/// The wire to one host and the console text of its process: bytes in and out, one command at a time, its stop, its loss.
///
/// Reading happens on the poll loop's thread; everything that changes is behind one lock. What must not happen under the
/// lock (resuming readers that call back, signals, timers) is collected and done after it.
final class HostChannel: Sendable {
    struct State {
        var decoder: WireDecoder
        var machine: CommandMachine
        var feed: RunFeed?
        var timer: DeadlineWatch.Token?
        var requests: [UInt64: OneShot<Result<HostFrame, MMError>>] = [:]
        /// Bytes that wait to be written, and how many were ever queued and written.
        var outgoing: [UInt8] = []
        var queued = 0
        var written = 0
        /// Where in the stream of written bytes the running command's request ends.
        var requestEnd = 0
        var isPaused = false
        var isConsoleIdle = false
        var consoleBytes = 0
        var droppedConsole = 0
        /// Standard output, then standard error, each until its end.
        var console = [ConsoleReader(.stdout), ConsoleReader(.stderr)]
        var isOpen = [true, true]
        var sent: OneShot<Delivery>?
        var loss: HostLoss?
        /// Nothing more comes over the wire: the end of the process will say why.
        var isWireClosed = false
        var lastWords = LastWords()
        var watches: [PollLoop.Watch] = []
    }

    /// What became of a request's way to the host.
    enum Delivery: Sendable, Hashable {
        /// The kernel has all of it.
        case sent
        /// The host was lost before; nothing of it was run.
        case lost
        /// The command was stopped before; its feed says why.
        case stopped
    }

    /// What is done after the lock is released.
    struct Effects {
        var work: [@Sendable () -> Void] = []
        mutating func later(_ body: @escaping @Sendable () -> Void) { work.append(body) }
        func perform() { for body in work { body() } }
    }

    let process: HostProcess
    let socket: FileDescriptor
    let outputs: HostOutputs
    let consoleLimit: Int
    /// Cuts off what the process has open on its wire; `nil` for one that reaches the network by itself.
    let requests: RequestGate?
    let loop: PollLoop
    let state: Mutex<State>
    let onLoss: @Sendable (String) -> Void

    /// A channel over a connected socket, which it closes, and the outputs of the process.
    /// - Parameters:
    ///   - onLoss: called once, when the host is lost, with what happened.
    init(
        process: HostProcess, socket: consuming FileDescriptor, outputs: HostOutputs, decoder: WireDecoder,
        settings: HostSettings, onLoss: @escaping @Sendable (String) -> Void
    ) throws(MMError) {
        self.process = process
        self.socket = socket
        self.outputs = outputs
        consoleLimit = settings.consoleLimit
        loop = try PollLoop.shared()
        requests = settings.requests.map { RequestGate($0) }
        state = Mutex(
            State(
                decoder: decoder,
                machine: CommandMachine(times: settings.times, cuts: settings.requests != nil)))
        self.onLoss = onLoss
    }

    deinit { for watch in state.withLock({ $0.watches }) { loop.forget(watch) } }

    /// Starts to read.
    func open() throws(MMError) {
        try state.withLock { (state) throws(MMError) in
            // The loop must not keep a session alive that nobody holds any more.
            state.watches = [
                try loop.watch(socket.raw, for: .read, once: true) { [weak self] _ in self?.socketReady() },
                try loop.watch(outputs.stdout.raw, for: .read, once: true) { [weak self] _ in self?.consoleReady(0) },
                try loop.watch(outputs.stderr.raw, for: .read, once: true) { [weak self] _ in self?.consoleReady(1) },
            ]
        }
    }

    var loss: HostLoss? { state.withLock { $0.loss } }
    var isLost: Bool { state.withLock { $0.loss != nil } }
    var isBusy: Bool { state.withLock { $0.machine.running != nil } }
}
