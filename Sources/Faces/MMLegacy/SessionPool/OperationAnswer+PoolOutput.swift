import MMCore
import MMOperations

extension OperationAnswer {
    /// Returns the text of `/run`: the command's output, followed by warnings and errors.
    ///
    /// The session-pool server mixed them. If the output is JSON, for example from `… | ConvertTo-Json`, it stays JSON.
    func poolOutput() async throws(MMError) -> String {
        guard !notes.isEmpty else { return try await plainText() }
        var bare = self
        bare.notes = []
        let text = try await bare.plainText()
        let isJSON = Self.isJSON(text)
        if isJSON || text.isEmpty { return isJSON ? text : notes.joined(separator: "\n") }
        return ([text] + notes).joined(separator: "\n")
    }

    /// The errors that didn't end the command, if the output is JSON and therefore contains none of them.
    var errorsBesideJSON: [String]? {
        let errors = notes.filter { $0.hasPrefix(ReportedError.mark) }.map {
            String($0.dropFirst(ReportedError.mark.count))
        }
        guard !errors.isEmpty, case .text(let text) = body, Self.isJSON(text) else { return nil }
        return errors
    }

    private static func isJSON(_ text: String) -> Bool {
        (text.hasPrefix("{") || text.hasPrefix("[")) && (try? JSONParser.parse(text)) != nil
    }
}
