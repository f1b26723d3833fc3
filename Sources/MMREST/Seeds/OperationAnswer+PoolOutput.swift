import MMCore
import MMOperations

extension OperationAnswer {
    /// The text of `/run`: what the command wrote, then warnings and errors.
    ///
    /// The first pool mixed them. Where the output is JSON, as of `… | ConvertTo-Json`, it stays JSON.
    func poolOutput() async throws(MMError) -> String {
        guard !notes.isEmpty else { return try await seedText() }
        var bare = self
        bare.notes = []
        let text = try await bare.seedText()
        let isJSON = (text.hasPrefix("{") || text.hasPrefix("[")) && (try? JSONParser.parse(text)) != nil
        if isJSON || text.isEmpty { return isJSON ? text : notes.joined(separator: "\n") }
        return ([text] + notes).joined(separator: "\n")
    }
}
