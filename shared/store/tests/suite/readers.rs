//! Whom an address names in Slack, as it said last.

use store::{Reader, SlackUser};

use crate::common::{moment, store};

#[tokio::test]
async fn what_slack_said_later_of_an_address_stays() {
    let store = store();
    let said = |user: SlackUser, at| Reader { user, learned_at: moment(at) };
    let ann = "Ann@ourco.example";
    assert_eq!(store.reader(ann).await.unwrap(), None);
    let member = said(SlackUser::Member("U1".into()), 20);
    for reader in [said(SlackUser::Unknown, 10), member.clone(), said(SlackUser::Deactivated, 15)] {
        store.put_reader(ann, &reader).await.unwrap();
    }
    assert_eq!(store.reader("ann@ourco.example").await.unwrap(), Some(member));
}
