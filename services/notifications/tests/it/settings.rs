//! Wrong settings stop the start, with the key in the message; the compiled-in ones are whole.

use notifications::config::Config;

#[test]
fn the_settings_that_are_compiled_in_are_whole() {
    let config = Config::load().expect("defaults load");
    assert_eq!(config.rebuild_broker(), config.broker.url);
}
