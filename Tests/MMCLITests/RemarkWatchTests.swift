import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMCLI

@Suite("Verdicts beside the typing", .timeLimit(.minutes(5)))
struct RemarkWatchTests {
    /// Judges when the test lets it.
    private final class Guide: PromptGuide {
        let begun = OneShot<Void>()
        let release = Mutex(false)

        func isUnfinished(_ text: String) -> Bool { false }
        func holdsSecret(_ text: String) -> Bool { false }
        func completions(of text: String) -> (typed: String, words: [String]) { ("", []) }

        func remark(on text: String, beforeCursor: String) -> PromptRemark? {
            if text == "slow" {
                begun.resolve(())
                // On a thread of its own: a verdict may block.
                while !release.withLock({ $0 }) { sched_yield() }
            }
            return PromptRemark(.runs, "\(text)|\(beforeCursor)")
        }
    }

    @Test("a verdict that comes when its line has gone is not shown", arguments: [true, false])
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
