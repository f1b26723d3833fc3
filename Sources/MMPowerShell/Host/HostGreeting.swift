import Glibc
import MMCore
import MMSystem

/// Waits for the child to connect and to greet, and lets nobody else in.
final class HostGreeting: Sendable {
    /// A connection whose greeting is in order.
    struct Greeted: Sendable {
        let socket: Int32
        let hello: HostHello
        let decoder: WireDecoder
    }

    private struct State {
        var listenerWatch: PollLoop.Watch?
        var socketWatch: PollLoop.Watch?
        /// The connection that greets; handed over or closed.
        var socket: Int32 = -1
        var decoder: WireDecoder
        /// The process that may connect, once it was started.
        var child: Int32 = -1
    }

    private let listener: Int32
    private let file: UnixSocket.SocketFile
    private let loop: PollLoop
    private let nonce: String
    private let state: Mutex<State>
    private let outcome = OneShot<Result<Greeted, MMError>>()
    private let log: Log

    /// A waiting for one child.
    /// - Parameters:
    ///   - listener: a listening socket, closed by it.
    ///   - file: its file, removed by it.
    ///   - nonce: what the greeting must repeat.
    init(listener: Int32, file: UnixSocket.SocketFile, nonce: String, recordLimit: Int, log: Log) throws(MMError) {
        self.listener = listener
        self.file = file
        self.nonce = nonce
        self.log = log
        loop = try PollLoop.shared()
        state = Mutex(State(decoder: WireDecoder(lineLimit: recordLimit)))
        _ = fcntl(listener, F_SETFL, O_NONBLOCK)
    }

    deinit {
        let rest = state.withLock { $0 }
        for watch in [rest.listenerWatch, rest.socketWatch] { if let watch { loop.forget(watch) } }
        if rest.socket >= 0 { close(rest.socket) }
        close(listener)
        file.remove()
    }

    /// Waits for a child.
    /// - Throws: what `fail` was called with, or what is wrong with the greeting.
    func wait(for child: Int32) async throws(MMError) -> Greeted {
        try state.withLock { (state) throws(MMError) in
            state.child = child
            state.listenerWatch = try loop.watch(listener, for: .read, once: true) { [weak self] _ in self?.accept() }
        }
        return try await outcome.wait().get()
    }

    /// Ends the waiting.
    func fail(_ error: MMError) { outcome.give(.failure(error)) }

    private func accept() {
        while let socket = try? UnixSocket.accept(listener).release() {
            guard admits(socket) else {
                close(socket)
                continue
            }
            let taken = state.withLock { state in
                guard state.socket < 0 else { return false }
                state.socket = socket
                return true
            }
            guard taken else {
                close(socket)
                continue
            }
            // One host, one connection: nobody else may even try.
            file.remove()
            _ = fcntl(socket, F_SETFL, O_NONBLOCK)
            let watch = try? loop.watch(socket, for: .read, once: true) { [weak self] _ in self?.read(socket) }
            state.withLock { $0.socketWatch = watch }
            if watch == nil { fail(MMError(.unavailable, "The connection of PowerShell can't be watched.")) }
            return
        }
        if let watch = state.withLock({ $0.listenerWatch }) { loop.rearm(watch, for: .read) }
    }

    /// Only the child: the process itself, or one that it started in its own kernel session (launchers do).
    private func admits(_ socket: Int32) -> Bool {
        guard let peer = try? UnixSocket.peer(of: socket), peer.uid == geteuid() else { return refuse("another user") }
        let child = state.withLock { $0.child }
        guard peer.pid == child || getsid(peer.pid) == child else { return refuse("process \(peer.pid)") }
        return true
    }

    private func refuse(_ who: String) -> Bool {
        log.warning("A peer that is not the session's PowerShell was refused at its socket: \(who).")
        return false
    }

    private func read(_ socket: Int32) {
        let result: Result<Greeted?, MMError> = state.withLock { state in
            var room = [UInt8](repeating: 0, count: 16 << 10)
            let count = Glibc.read(socket, &room, room.count)
            if count < 0, errno == EAGAIN || errno == EINTR { return .success(nil) }
            guard count > 0 else { return .failure(Self.wrong("closed the wire before it greeted")) }
            state.decoder.append(room[..<count])
            do throws(WireFault) {
                guard let frame = try state.decoder.next() else {
                    // A greeting is short: what doesn't end is none.
                    return state.decoder.pendingBytes < 64 << 10
                        ? .success(nil) : .failure(Self.wrong("sent a greeting that doesn't end"))
                }
                guard case .hello(let hello) = frame else { return .failure(Self.wrong("didn't greet first")) }
                if let fault = fault(in: hello, from: socket) { return .failure(Self.wrong(fault)) }
                state.socket = -1
                if let watch = state.socketWatch { loop.forget(watch) }
                state.socketWatch = nil
                return .success(Greeted(socket: socket, hello: hello, decoder: state.decoder))
            } catch {
                return .failure(Self.wrong("sent \(error)"))
            }
        }
        switch result {
        case .success(let greeted?):
            if !outcome.give(.success(greeted)) { close(greeted.socket) }
        case .success(nil):
            if let watch = state.withLock({ $0.socketWatch }) { loop.rearm(watch, for: .read) }
        case .failure(let error): fail(error)
        }
    }

    private func fault(in hello: HostHello, from socket: Int32) -> String? {
        guard ConstantTime.equal(Array(hello.nonce.utf8), Array(nonce.utf8)) else { return "didn't know its nonce" }
        guard hello.version == HostFrame.wireVersion else { return "speaks version \(hello.version) of the wire" }
        guard let peer = try? UnixSocket.peer(of: socket), peer.pid == hello.processID else {
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
