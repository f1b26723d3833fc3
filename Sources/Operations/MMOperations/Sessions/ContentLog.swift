import MMCore

extension OperationContext {
    /// How much of what was sent and answered a log line holds, in characters.
    private static let shown = 500

    /// Logs what was sent and what came back, for a connection whose owner wants that (`logContent`); for all others only
    /// sizes are logged. The log redacts it, and lays it out on one line.
    /// - Parameters:
    ///   - connection: whose it is.
    ///   - module: the module or service.
    ///   - sent: the command or request.
    ///   - answer: what came of it.
    ///   - log: the process's log.
    func logContent(
        of connection: Connection, _ module: String, sent: String, answer: OperationAnswer, to log: Log
    ) {
        noteSizes(sent: sent, answer: answer)
        guard connection.logContent else { return }
        let log = log.scoped(connection.name, module)
        // What is cut in the middle looks like no secret any more: it is redacted before.
        let redactor = Redactor.standard
        log.info("sent: \(redactor.text(String(sent.prefix(8 * Self.shown))).prefix(Self.shown))")
        let text: String
        switch answer.body {
        case .text(let whole): text = whole
        case .value(let value): text = JSONWriter.string(value)
        case .json(let bytes): text = String(decoding: bytes.prefix(8 * Self.shown), as: UTF8.self)
        default: return
        }
        log.info("answered: \(redactor.text(String(text.prefix(8 * Self.shown))).prefix(Self.shown))")
    }

    /// What is large is not written out only to be measured: of values the rows are counted.
    private func noteSizes(sent: String, answer: OperationAnswer) {
        record.note("bytesSent", .int(Int64(sent.utf8.count)))
        switch answer.body {
        case .text(let text): record.note("bytesAnswered", .int(Int64(text.utf8.count)))
        case .json(let bytes), .bytes(let bytes, _): record.note("bytesAnswered", .int(Int64(bytes.count)))
        case .value(.array(let rows)): record.note("rows", .int(Int64(rows.count)))
        default: break
        }
    }
}
