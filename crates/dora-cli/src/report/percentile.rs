//! Percentiles, as the dashboard's statistics have them.

/// The value below which so many percent of the values lie, between two of them in proportion, to a
/// thousandth. None without values.
///
/// AWS does not publish how CloudWatch places a percentile between two values; this is the usual
/// linear interpolation, which the project's own checks of the dashboard go by too.
pub(crate) fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    let last = ordered.len().checked_sub(1)?;
    #[expect(clippy::cast_precision_loss, reason = "there are never so many values")]
    let rank = percent / 100.0 * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank lies between 0 and the last index"
    )]
    let below = rank as usize;
    let (low, high) = (ordered.get(below)?, ordered.get((below + 1).min(last))?);
    let exact = low + rank.fract() * (high - low);
    Some((exact * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::percentile;

    #[test]
    fn a_percentile_lies_between_its_neighbours() {
        for (values, percent, expected) in [
            (&[][..], 50.0, None),
            (&[7.0], 90.0, Some(7.0)),
            (&[4.0, 1.0], 50.0, Some(2.5)),
            (&[3.0, 1.0, 2.0], 50.0, Some(2.0)),
            (&[0.0, 10.0, 20.0, 30.0, 40.0], 90.0, Some(36.0)),
        ] {
            assert_eq!(percentile(values, percent), expected, "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn its_order_does_not_matter_and_it_never_leaves_the_values(
            values in prop::collection::vec(0.0..1e7_f64, 1..60), percent in 0.0..=100.0_f64
        ) {
            let found = percentile(&values, percent).unwrap();
            let reversed: Vec<_> = values.iter().rev().copied().collect();
            prop_assert_eq!(percentile(&reversed, percent), Some(found));
            let below = values.iter().filter(|value| **value <= found + 1e-3).count();
            #[expect(clippy::cast_precision_loss, reason = "few values")]
            let share = below as f64 / values.len() as f64;
            #[expect(clippy::cast_precision_loss, reason = "few values")]
            let one = 1.0 / values.len() as f64;
            prop_assert!(share + 1e-9 >= percent / 100.0 - one);
            prop_assert!(values.iter().any(|value| *value <= found + 1e-3));
            prop_assert!(values.iter().any(|value| *value >= found - 1e-3));
        }
    }
}
