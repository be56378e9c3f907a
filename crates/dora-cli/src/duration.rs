//! Durations as people say them.

/// Two units at most, rounded to the smaller one: `45 s`, `12 min`, `4 h 08 min`, `2 d 3 h`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a duration of millions of years is shown as the longest one"
)]
pub(crate) fn in_words(seconds: f64) -> String {
    let whole = |unit: f64| (seconds / unit).round() as u64;
    if whole(1.0) < 60 {
        return format!("{} s", whole(1.0));
    }
    let (minutes, hours) = (whole(60.0), whole(3600.0));
    if minutes < 60 {
        format!("{minutes} min")
    } else if minutes < 24 * 60 {
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    } else {
        format!("{} d {} h", hours / 24, hours % 24)
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn durations_are_rounded_to_their_smaller_unit() {
        for (seconds, words) in [
            (0.0, "0 s"),
            (59.4, "59 s"),
            (59.6, "1 min"),
            (3569.0, "59 min"),
            (3571.0, "1 h 00 min"),
            (14_880.0, "4 h 08 min"),
            (86_369.0, "23 h 59 min"),
            (86_371.0, "1 d 0 h"),
            (183_600.0, "2 d 3 h"),
        ] {
            assert_eq!(in_words(seconds), words, "{seconds}");
        }
    }
}
