/// The send families that the seed's guard covers: POST to `sendMail`, a reply or forward, `send`, and messages of
/// channels and chats. Compared on the canonical path, which the seed did not.
enum SeedSendGuard {
    /// Whether a POST to a path (canonical words, in lower case) is one of them.
    static func covers(_ path: [String]) -> Bool {
        guard let last = path.last else { return false }
        if ["sendmail", "reply", "replyall", "forward", "send"].contains(last) { return true }
        let isConversation = path.contains("channels") || path.contains("chats") || path.contains("primarychannel")
        return isConversation && (last == "messages" || last == "replies")
    }
}
