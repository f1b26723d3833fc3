import Glibc
import MMCore
import MMSystem

/// Waits for the child to connect and to greet, and lets nobody else in.
final class HostGreeting: Sendable {
    /// A connection whose greeting is in order.
    struct Greeted: Sendable {
        let socket: Int32
        let hello: HostHello
        /// PowerShell's process, as this process sees it: in a tree of its own it has another number.
        let processID: Int32
        let decoder: WireDecoder
    }

    private struct State {
        /// Where it waits: on this machine, or in the session's own network.
        var listener: PolledListener
        var isInTheirNetwork = false
        /// The process that was started.
        var child: Int32 = 0
        var accepting: Task<Void, Never>?
        var socketWatch: PollLoop.Watch?
        /// The connection that greets; handed over or closed.
        var socket: Int32 = -1
        var decoder: WireDecoder
    }

    /// The port of this machine at which it waits, and the same one in the session's own network.
    let port: UInt16
    private let loop: PollLoop
    private let nonce: String
    private let state: Mutex<State>
    private let outcome = OneShot<Result<Greeted, MMError>>()
    private let log: Log

    /// A waiting for one child, at a port of this machine: behind its walls a process has no other sockets.
    /// - Parameter nonce: what the greeting must repeat.
    init(nonce: String, recordLimit: Int, log: Log) throws(MMError) {
        let listener = try PolledListener(loopback: ())
        port = listener.port
        self.nonce = nonce
        self.log = log
        loop = try PollLoop.shared()
        state = Mutex(State(listener: listener, decoder: WireDecoder(lineLimit: recordLimit)))
    }

    deinit {
        let rest = state.withLock { $0 }
        rest.accepting?.cancel()
        if let watch = rest.socketWatch { loop.forget(watch) }
        if rest.socket >= 0 { close(rest.socket) }
        rest.listener.close()
    }

    /// Waits in the session's own network from now on, before anybody waits for the child.
    func move(to listener: PolledListener) {
        state.withLock { state in
            state.listener.close()
            state.listener = listener
            state.isInTheirNetwork = true
        }
    }

    /// Waits for a child.
    /// - Throws: what `fail` was called with, or what is wrong with the greeting.
    func wait(for child: Int32) async throws(MMError) -> Greeted {
        let listener = state.withLock { state in
            state.child = child
            return state.listener
        }
        let accepting = Task { [weak self] in
            while let socket = try? await listener.accept() {
                guard let self else { return }
                if await self.admit(socket, child) { return }
            }
        }
        state.withLock { $0.accepting = accepting }
        return try await outcome.wait().get()
    }

    /// Ends the waiting.
    func fail(_ error: MMError) { outcome.resolve(.failure(error)) }

    /// Takes the connection of the child: of the process itself, or of one that it started in its own kernel session, as
    /// launchers do.
    /// - Returns: whether it is that.
    private func admit(_ connection: consuming FileDescriptor, _ child: Int32) async -> Bool {
        let socket = connection.release()
        let inTheirs = state.withLock { $0.isInTheirNetwork }
        let isOwn = try? await BlockingWork.run { () throws(MMError) in
            // Those that it started are few; all processes of the machine are looked through only where it is none of them.
            LoopbackPeer.isPeer(
                of: socket, heldBy: [child] + Descendants.running(below: child).map(\.pid), inTheirNetwork: inTheirs)
                || LoopbackPeer.isPeer(
                    of: socket, heldBy: ProcessEntry.all().filter { $0.session == child }.map(\.id),
                    inTheirNetwork: inTheirs)
        }
        guard isOwn == true else {
            close(socket)
            log.warning("A peer that is not the session's PowerShell was refused at its port.")
            return false
        }
        // One host, one connection: nobody else may even try.
        state.withLock { $0.listener.close() }
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
        let isWatched = state.withLock { state in
            state.socket = socket
            // What has come already is read when this is done.
            state.socketWatch = try? loop.watch(socket, for: .read, once: true) { [weak self] _ in self?.read(socket) }
            return state.socketWatch != nil
        }
        if !isWatched { fail(MMError(.unavailable, "The connection of PowerShell can't be watched.")) }
        return true
    }

    private func read(_ socket: Int32) {
        let result: Result<Greeted?, MMError> = state.withLock { state in
            var room = [UInt8](repeating: 0, count: 16 << 10)
            let count = Glibc.read(socket, &room, room.count)
            if count < 0, errno == EAGAIN || errno == EINTR { return .success(nil) }
            guard count > 0 else { return .failure(Self.wrong("closed the wire before it greeted")) }
            state.decoder.append(room[..<count])
            do throws(HostWireFault) {
                guard let frame = try state.decoder.next() else {
                    // A greeting is short: what doesn't end is none.
                    return state.decoder.pendingBytes < 64 << 10
                        ? .success(nil) : .failure(Self.wrong("sent a greeting that doesn't end"))
                }
                guard case .hello(let hello) = frame else { return .failure(Self.wrong("didn't greet first")) }
                let process = Self.process(hello.processID, below: state.child)
                if let fault = fault(in: hello, of: process, from: socket, state.isInTheirNetwork) {
                    return .failure(Self.wrong(fault))
                }
                state.socket = -1
                if let watch = state.socketWatch { loop.forget(watch) }
                state.socketWatch = nil
                return .success(Greeted(socket: socket, hello: hello, processID: process, decoder: state.decoder))
            } catch {
                return .failure(Self.wrong("sent \(error)"))
            }
        }
        switch result {
        case .success(let greeted?):
            if !outcome.resolve(.success(greeted)) { close(greeted.socket) }
        case .success(nil):
            if let watch = state.withLock({ $0.socketWatch }) { loop.rearm(watch, for: .read) }
        case .failure(let error): fail(error)
        }
    }

    /// The number that a process of a tree of its own has here: it knows only its own.
    private static func process(_ own: Int32, below child: Int32) -> Int32 {
        Descendants.running(below: child).map(\.pid).first { ProcessEntry.numbers(of: $0).dropFirst().last == own }
            ?? own
    }

    private func fault(
        in hello: HostHello, of process: Int32, from socket: Int32, _ isInTheirNetwork: Bool
    ) -> String? {
        guard ConstantTime.equal(Array(hello.nonce.utf8), Array(nonce.utf8)) else { return "didn't know its nonce" }
        guard hello.version == HostFrame.wireVersion else { return "speaks version \(hello.version) of the wire" }
        guard LoopbackPeer.isPeer(of: socket, heldBy: [process], inTheirNetwork: isInTheirNetwork) else {
            return "claims to be another process"
        }
        return nil
    }

    private static func wrong(_ what: String) -> MMError {
        MMError(
            .unavailable, "What was started as PowerShell \(what).",
            hint: "Check which program MM_PWSH names: mm doctor powershell")
    }
}
