/// The paths at which a POST sends a message: `sendMail`, a reply or forward, `send`, and messages of channels and chats.
enum MessagePaths {
    /// Whether a path (canonical words, in lower case) is one of them.
    static func contains(_ path: [String]) -> Bool {
        guard let last = path.last else { return false }
        if ["sendmail", "reply", "replyall", "forward", "send"].contains(last) { return true }
        let isConversation = path.contains("channels") || path.contains("chats") || path.contains("primarychannel")
        return isConversation && (last == "messages" || last == "replies")
    }
}
