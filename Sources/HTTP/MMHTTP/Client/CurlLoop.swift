import CCurl
import MMCore
import MMSystem

/// Runs libcurl's multi interface on one thread. Requests arrive through a mailbox; outcomes are delivered through each
/// transfer's own slots.
final class CurlLoop: Sendable {
    private enum Command {
        case start(CurlTransfer)
        case cancel(CurlTransfer)
        case resume(CurlTransfer)
    }

    private struct Mailbox {
        var commands: [Command] = []
        var isClosing = false
        /// Nil once the thread has freed it. Wake-ups are sent only under this lock, so never after that.
        var multi: MultiHandle?
    }

    /// curl's multi handle. Used only on the loop's thread, except for the wake-up, which curl allows from any thread.
    private struct MultiHandle: @unchecked Sendable {
        // `@unchecked Sendable`: passed between threads only under the mailbox's lock, which also guards its end.
        let raw: UnsafeMutableRawPointer
    }

    private let configuration: HTTPClientConfiguration
    private let mailbox: Mutex<Mailbox>
    private let thread = Mutex<DedicatedThread?>(nil)

    /// Loads libcurl and starts the thread.
    /// - Throws: `.unavailable`, naming the package to install.
    static func start(_ configuration: HTTPClientConfiguration) throws(HTTPError) -> CurlLoop {
        if let reason = mm_curl_load() {
            throw HTTPError(
                .unavailable, "libcurl can't be opened: \(String(cString: reason)).",
                hint: "apt-get install libcurl4 (libcurl4t64 from Debian 13 on)")
        }
        guard let multi = mm_curl_multi_init() else {
            throw HTTPError(.unavailable, "libcurl could not start: out of memory.")
        }
        _ = mm_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxConnections)
        _ = mm_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maxConnectionsPerHost)
        _ = mm_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        let loop = CurlLoop(configuration, MultiHandle(raw: multi))
        do throws(MMError) {
            let thread = try DedicatedThread.start(configuration.threadName) { loop.run() }
            loop.thread.withLock { $0 = thread }
        } catch {
            mm_curl_multi_cleanup(multi)
            throw HTTPError(.unavailable, error.message, hint: error.hint)
        }
        return loop
    }

    private init(_ configuration: HTTPClientConfiguration, _ multi: MultiHandle) {
        self.configuration = configuration
        mailbox = Mutex(Mailbox(multi: multi))
    }

    /// Starts a transfer, unless the loop is closing.
    func begin(_ transfer: CurlTransfer) {
        if !post(.start(transfer)) { transfer.cancel() }
    }

    /// Ends a transfer whose waiters have already been told.
    func cancel(_ transfer: CurlTransfer) {
        _ = post(.cancel(transfer))
    }

    /// Resumes a paused transfer.
    func resume(_ transfer: CurlTransfer) {
        _ = post(.resume(transfer))
    }

    /// Cancels all transfers and ends the thread.
    func close() {
        mailbox.withLock { mailbox in
            mailbox.isClosing = true
            if let multi = mailbox.multi { _ = mm_curl_multi_wakeup(multi.raw) }
        }
    }

    /// Waits until the thread has ended after `close`.
    func closed() async {
        await thread.withLock { $0 }?.ended()
    }

    private func post(_ command: Command) -> Bool {
        mailbox.withLock { mailbox in
            guard !mailbox.isClosing, let multi = mailbox.multi else { return false }
            mailbox.commands.append(command)
            if mailbox.commands.count == 1 { _ = mm_curl_multi_wakeup(multi.raw) }
            return true
        }
    }

    private func run() {
        guard let multi = mailbox.withLock({ $0.multi })?.raw else { return }
        var exchanges: [ObjectIdentifier: CurlExchange] = [:]
        var spare: [UnsafeMutableRawPointer] = []
        func release(_ exchange: CurlExchange) {
            exchanges[ObjectIdentifier(exchange.transfer)] = nil
            _ = mm_curl_multi_remove(multi, exchange.easy)
            mm_curl_easy_reset(exchange.easy)
            if spare.count < 16 { spare.append(exchange.easy) } else { mm_curl_easy_cleanup(exchange.easy) }
        }
        while true {
            let (commands, isClosing) = mailbox.withLock { mailbox in
                defer { mailbox.commands = [] }
                return (mailbox.commands, mailbox.isClosing)
            }
            for command in commands {
                switch command {
                case .start(let transfer):
                    guard !transfer.isCancelled else { continue }
                    guard let easy = spare.popLast() ?? mm_curl_easy_init() else {
                        transfer.head.resolve(.failure(HTTPError(.unavailable, "libcurl has no memory left.")))
                        continue
                    }
                    let exchange = CurlExchange(transfer, easy: easy)
                    exchange.stallTimeout = configuration.stallTimeout
                    do throws(HTTPError) {
                        try exchange.prepare(configuration)
                    } catch {
                        mm_curl_easy_cleanup(easy)
                        transfer.head.resolve(.failure(error))
                        continue
                    }
                    exchanges[ObjectIdentifier(transfer)] = exchange
                    if mm_curl_multi_add(multi, easy) != CURLM_OK {
                        exchange.finish(CURLE_FAILED_INIT)
                        release(exchange)
                    }
                case .cancel(let transfer):
                    if let exchange = exchanges[ObjectIdentifier(transfer)] { release(exchange) }
                case .resume(let transfer):
                    if let exchange = exchanges[ObjectIdentifier(transfer)] {
                        _ = mm_curl_easy_pause(exchange.easy, CURLPAUSE_CONT)
                    }
                }
            }
            if isClosing { break }
            var running: Int32 = 0
            _ = mm_curl_multi_perform(multi, &running)
            var code = CURLE_OK
            while let easy = mm_curl_multi_next_done(multi, &code) {
                guard let context = mm_curl_info_private(easy) else { continue }
                let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
                exchange.finish(code)
                release(exchange)
            }
            // Without transfers only a wake-up ends the wait, so an idle client uses no CPU time.
            _ = mm_curl_multi_poll(multi, 600_000)
        }
        for exchange in exchanges.values { exchange.transfer.cancel() }
        for exchange in Array(exchanges.values) { release(exchange) }
        for easy in spare { mm_curl_easy_cleanup(easy) }
        let left = mailbox.withLock { mailbox in
            mailbox.multi = nil
            defer { mailbox.commands = [] }
            return mailbox.commands
        }
        for case .start(let transfer) in left { transfer.cancel() }
        mm_curl_multi_cleanup(multi)
    }
}
