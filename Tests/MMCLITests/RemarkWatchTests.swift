import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMCLI

@Suite("Verdicts while typing", .timeLimit(.minutes(5)))
struct RemarkWatchTests {
    /// A judge that answers when the test lets it.
    private final class Guide: PromptGuide {
        let begun = OneShot<Void>()
        let release = Mutex(false)

        func isUnfinished(_ text: String) -> Bool { false }
        func holdsSecret(_ text: String) -> Bool { false }
        func completions(of text: String) -> (typed: String, words: [String]) { ("", []) }

        func remark(on text: String, beforeCursor: String) -> PromptRemark? {
            if text == "slow" {
                begun.resolve(())
                // Use a separate thread, because the verdict blocks.
                while !release.withLock({ $0 }) { sched_yield() }
            }
            return PromptRemark(.runs, "\(text)|\(beforeCursor)")
        }
    }

    @Test("a verdict isn't shown if its line is gone", arguments: [true, false])
    func stale(isNewLine: Bool) async {
        let guide = Guide()
        let watch = RemarkWatch(guide: guide)
        let shown = Mutex<[String]>([])
        let last = OneShot<Void>()
        let following = Task {
            await watch.follow { remark in
                shown.withLock { $0.append(remark?.text ?? "-") }
                if remark?.text.contains("next") == true { last.resolve(()) }
            }
        }
        watch.changed("slow", "slow")
        await guide.begun.wait()
        if isNewLine { watch.begin(["slow"]) }
        watch.changed("next", "ne")
        guide.release.withLock { $0 = true }
        if isNewLine { watch.changed("next", "ne") }
        await last.wait()
        following.cancel()
        #expect(!shown.withLock { $0 }.contains("slow|slow"))
    }
}
