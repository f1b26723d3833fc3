import MMCore

extension OutgoingFilter {
    /// Returns an answer without secrets. Raw bytes and streamed output go to the person's own terminal or file and are
    /// left unchanged, as `ssh` does; streamed rows come from a service and have not been in a session.
    func answer(_ answer: OperationAnswer) -> OperationAnswer {
        var clean = answer
        clean.notes = answer.notes.map { text($0) }
        clean.errors = answer.errors.map { error in
            var clean = error
            clean.message = text(error.message)
            return clean
        }
        clean.exitStatus = answer.exitStatus
        clean.text = answer.text.map { text($0) }
        switch answer.body {
        case .value(let value): clean.body = .value(json(value))
        case .text(let text): clean.body = .text(self.text(text))
        case .json(let bytes): clean.body = .json(Array(text(String(decoding: bytes, as: UTF8.self)).utf8))
        case .bytes, .items, .output: break
        }
        return clean
    }
}
